import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { recordLineage } from '#lineage/lineage.ts';
import { deleteRun } from '#runs/delete-run.ts';
import { findRun } from '#runs/find-run.ts';
import { systemClock } from '#kit/clock.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('what stands on a thing', () => {
  const database = useTestDatabase();
  const db = () => database().db;
  let platform: TestPlatform;
  let stranger: TestPlatform;
  beforeAll(async () => {
    platform = await openTestPlatform(db());
    stranger = await openTestPlatform(db());
  });
  afterAll(async () => {
    await platform.close();
    await stranger.close();
  });

  const made = { runs: 0 };
  /** As a kind would store it: its row, what it used, and its ancestry. */
  const makeRun = async (name: string, from: { dataset?: { id: string; number: number }; parents?: readonly { id: string; number: number }[] } = {}) => {
    const [id, number] = [newId<string>(), (made.runs += 1)];
    const now = new Date();
    const parents = from.parents ?? [];
    await db()
      .transaction()
      .execute(async (tx) => {
        const values = {
          kind: 'training',
          memo: '',
          tags: [],
          state: 'succeeded',
          request: '{}',
          warnings: '[]',
          image: 'host',
          cpu_milli: 1,
          memory_bytes: 1,
          gpus: 0,
        };
        const more = { priority: 0, shape: '', retries: '{}', created_by: platform.user, created_at: now, queued_at: now, due_at: now };
        await tx
          .insertInto('runs')
          .values({ ...values, ...more, tenant_id: platform.tenant, id, number, name })
          .execute();
        if (from.dataset) {
          await tx.updateTable('datasets').set({ locked_at: now }).where('id', '=', from.dataset.id).execute();
          await tx.insertInto('run_datasets').values({ tenant_id: platform.tenant, run_id: id, dataset_id: from.dataset.id }).execute();
        }
        for (const parent of parents) await tx.insertInto('run_parents').values({ tenant_id: platform.tenant, run_id: id, parent_id: parent.id }).execute();
        const origins = [
          ...(from.dataset ? [{ kind: 'dataset', id: from.dataset.id, label: '', relation: 'input' } as const] : []),
          ...parents.map((parent) => ({ kind: 'run', id: parent.id, label: `training-${parent.number}`, relation: 'parent' }) as const),
        ];
        if (origins.length > 0) await recordLineage(tx, platform.tenant, { to: { kind: 'run', id, label: `training-${number} ${name}` }, from: origins }, now);
      });
    return { id, number, name };
  };
  const removeRun = async (reference: string) => deleteRun(db(), systemClock, platform.tenant, await findRun(db(), platform.tenant, reference));
  const affected = async (at: string, by = platform) => (await by.call('GET', `lineage/${at}/affected`)).body;
  const thing = (kind: string, one: { id: string; name: string }, reference: string) => ({ kind, id: one.id, reference, name: one.name });

  it('is told beforehand, and refuses the deletion with the same list', async () => {
    const raw = await platform.dataWith({}, 'raw');
    const { body: derived } = await platform.call('POST', 'data', { name: 'derived', parent: raw.id });
    const { body: locked } = await platform.call('POST', 'datasets', { name: 'used', flatEntries: [raw.id] });
    const { body: open } = await platform.call('POST', 'datasets', { name: 'open', flatEntries: [raw.id] });
    const first = await makeRun('first', { dataset: locked });
    const second = await makeRun('second', { parents: [first] });

    const standing = [thing('data', derived, `#${derived.number}`), thing('dataset', locked, `#${locked.number}`)];
    expect(await affected(`data/${raw.number}`)).toMatchObject({
      deletable: false,
      blockedBy: { items: standing, total: { count: 2, exact: true } },
      leaves: { items: [thing('dataset', open, `#${open.number}`)], total: { count: 1, exact: true } },
      descendants: { counts: { data: 1, dataset: 2, run: 2, commit: 0 }, exact: true },
    });
    expect(await platform.call('DELETE', `data/${raw.id}`)).toMatchObject({
      status: 409,
      body: {
        code: 'in-use',
        params: { thing: 'Data', reference: `#${raw.number}`, total: 2, users: `data #${derived.number} “derived” and data set #${locked.number} “used”` },
        things: standing,
      },
    });

    const byRun = {
      code: 'in-use',
      params: { users: `run training-${first.number} “first”`, total: 1 },
      things: [thing('run', first, `training-${first.number}`)],
    };
    expect((await platform.call('DELETE', `datasets/${locked.id}`)).body).toMatchObject(byRun);
    expect(await affected(`dataset/%23${locked.number}`)).toMatchObject({ deletable: false, blockedBy: { items: byRun.things }, leaves: { items: [] } });
    await expect(removeRun(first.id)).rejects.toMatchObject({ code: 'in-use', things: [thing('run', second, `training-${second.number}`)] });
    expect(await affected(`run/training-${first.number}`)).toMatchObject({
      deletable: false,
      descendants: { counts: { run: 1 }, items: [{ kind: 'run', id: second.id, label: `training-${second.number} second` }] },
    });

    // From the last one backwards everything can go.
    expect(await affected(`run/${second.id}`)).toMatchObject({ deletable: true, descendants: { counts: { run: 0 }, items: [] } });
    await removeRun(second.id);
    await removeRun(first.id);
    expect(await affected(`dataset/${locked.id}`)).toMatchObject({ deletable: true, descendants: { counts: { run: 0 } } });
    expect((await platform.call('DELETE', `datasets/${locked.id}`)).status).toBe(204);
    expect((await platform.call('DELETE', `data/${derived.id}`)).status).toBe(204);
    expect(await affected(`data/${raw.id}`)).toMatchObject({ deletable: true, blockedBy: { items: [] }, descendants: { counts: { data: 0, dataset: 1 } } });
    expect((await platform.call('DELETE', `data/${raw.id}`)).status).toBe(204);
    expect(await affected(`data/${raw.id}`)).toMatchObject({ deletable: false, blockedBy: { items: [] } });
  });

  it('is counted where it is many: five are named, fifty listed', async () => {
    const { body: dataset } = await platform.call('POST', 'datasets', { name: 'busy' });
    const runs = [];
    for (let at = 0; at < 60; at += 1) runs.push(await makeRun(`run ${at}`, { dataset }));
    const { body } = await platform.call('DELETE', `datasets/${dataset.id}`);
    expect(body.params.total).toBe(60);
    expect(body.params.users).toBe(
      `runs ${runs
        .slice(0, 5)
        .map(({ number, name }) => `training-${number} “${name}”`)
        .join(', ')} and 55 more`,
    );
    expect(body.things).toHaveLength(50);
    expect((await affected(`dataset/${dataset.id}`)).descendants).toMatchObject({ counts: { run: 60 }, exact: true });
  });

  it('is told of a run that nothing is known of but itself', async () => {
    const alone = await makeRun('alone');
    expect(await affected(`run/training-${alone.number}`)).toMatchObject({ deletable: true, descendants: { counts: { run: 0 } } });
    expect((await platform.call('GET', `lineage/run/${alone.id.toUpperCase()}`)).body).toMatchObject({
      nodes: [{ label: `training-${alone.number} alone` }],
      edges: [],
    });
  });

  it("is another tenant's secret", async () => {
    const raw = await platform.dataWith({}, 'mine');
    const run = await makeRun('mine');
    for (const at of [
      `data/${raw.id}`,
      `data/${raw.number}`,
      `run/${run.id}`,
      `run/training-${run.number}`,
      'data/nonsense',
      'run/1',
      `dataset/${newId()}`,
      'commit/x',
    ])
      expect(await affected(at, stranger)).toMatchObject({ code: 'not-found' });
    for (const at of [`data/${raw.id}/paths?toKind=run&toId=${run.id}`, `openlineage?run=${run.id}`])
      expect((await stranger.call('GET', `lineage/${at}`)).body).toMatchObject({ code: 'not-found' });
  });

  it('comes back as fast for one data in a data set of 100,000 and a graph of many edges', async () => {
    const { body: dataset } = await platform.call('POST', 'datasets', { name: 'wide' });
    const one = await platform.dataWith({}, 'one of many');
    const run = newId<string>();
    const { tenant } = platform;
    await sql`insert into lineage_nodes (tenant_id, kind, id, label) select ${tenant}::uuid, 'data', 'wide-' || n, '#' || n from generate_series(1, 100000) n`.execute(
      db(),
    );
    await sql`insert into lineage_nodes (tenant_id, kind, id, label) select ${tenant}::uuid, 'run', 'deep-' || n, 'training-' || n from generate_series(1, 3000) n union all select ${tenant}::uuid, 'run', ${run}::text, 'last'`.execute(
      db(),
    );
    await sql`insert into lineage_edges (tenant_id, from_kind, from_id, to_kind, to_id, relation, created_at)
      select ${tenant}::uuid, 'data', 'wide-' || n, 'dataset', ${dataset.id}::text, 'contains', now() from generate_series(1, 100000) n
      union all select ${tenant}::uuid, 'data', ${one.id}::text, 'dataset', ${dataset.id}::text, 'contains', now()
      union all select ${tenant}::uuid, 'dataset', ${dataset.id}::text, 'run', 'deep-1', 'input', now()
      union all select ${tenant}::uuid, 'run', 'deep-' || n, 'run', 'deep-' || n + 1, 'parent', now() from generate_series(1, 2999) n
      union all select ${tenant}::uuid, 'dataset', ${dataset.id}::text, 'run', ${run}::text, 'input', now()
      union all select ${tenant}::uuid, 'run', 'deep-40', 'run', ${run}::text, 'parent', now()
      union all select ${tenant}::uuid, 'run', 'deep-20', 'run', ${run}::text, 'parent', now()`.execute(db());
    await sql`analyze lineage_edges`.execute(db());

    const reads = async (work: () => Promise<void>): Promise<number> => {
      const count = async (): Promise<number> => {
        await sql`select pg_stat_force_next_flush()`.execute(db());
        const { rows } = await sql<{
          read: number;
        }>`select (seq_tup_read + idx_tup_fetch)::bigint as read from pg_stat_user_tables where relname = 'lineage_edges'`.execute(db());
        return rows[0]?.read ?? 0;
      };
      const before = await count();
      await work();
      return (await count()) - before;
    };

    // Ancestors: what is not merely contained is not lost behind what is.
    const { body: up } = await platform.call('GET', `lineage/run/${run}`);
    expect(up.truncated).toBe(true);
    expect(up.nodes).toHaveLength(2_000);
    expect(up.nodes.filter(({ kind }: { kind: string }) => kind !== 'data')).toHaveLength(42);

    // Paths: the data's few descendants are enough, and the 100,000 beside it are never looked at.
    const found: { paths?: { shortest: { id: string }[]; edges: unknown[]; truncated: boolean } } = {};
    const read = await reads(async () => {
      found.paths = (await platform.call('GET', `lineage/data/${one.number}/paths?toKind=run&toId=${run}`)).body;
    });
    expect(found.paths?.shortest.map(({ id }) => id)).toEqual([one.id, dataset.id, run]);
    expect(found.paths?.edges).toHaveLength(3 + 39 + 2);
    expect(found.paths?.truncated).toBe(false);
    expect(read).toBeLessThan(20_000);

    const { descendants } = await affected(`data/${one.id}`);
    expect(descendants.counts).toEqual({ data: 0, dataset: 1, run: 3_001, commit: 0 });
    expect(descendants.items).toHaveLength(50);
  });

  it('is joined to what came of it by all ways there are', async () => {
    const [start, left, right, end, aside] = [await makeRun('start'), await makeRun('aside'), await makeRun('x'), await makeRun('y'), await makeRun('z')];
    const edge = async (to: { id: string }, from: { id: string }): Promise<void> =>
      db()
        .transaction()
        .execute((tx) =>
          recordLineage(
            tx,
            platform.tenant,
            { to: { kind: 'run', id: to.id, label: to.id }, from: [{ kind: 'run', id: from.id, label: from.id, relation: 'parent' }] },
            new Date(),
          ),
        );
    for (const [to, from] of [
      [left, start],
      [right, start],
      [end, left],
      [end, right],
      [right, left],
      [aside, start],
    ] as const)
      await edge(to, from);
    const { body } = await platform.call('GET', `lineage/run/${start.id}/paths?toKind=run&toId=${end.id}`);
    expect(body.edges).toHaveLength(5);
    expect(body.nodes).toHaveLength(4);
    expect(body.shortest).toHaveLength(3);
    expect((await platform.call('GET', `lineage/run/${end.id}/paths?toKind=run&toId=${start.id}`)).body).toEqual({
      nodes: [],
      edges: [],
      shortest: [],
      truncated: false,
    });
    expect((await platform.call('GET', `lineage/run/${start.id}/paths?toKind=run&toId=${start.id}`)).body).toMatchObject({
      shortest: [{ id: start.id }],
      edges: [],
    });
  });
});

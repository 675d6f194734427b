import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { type markLineageDeleted as Mark, markLineageDeleted, recordLineage } from '#lineage/lineage.ts';
import { LINEAGE_NODES_LIMIT } from '#lineage/read-lineage.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

type Recorded = Parameters<typeof recordLineage>[2];
type Point = Parameters<typeof Mark>[2];

describe('lineage', () => {
  const database = useTestDatabase();
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await openTestPlatform(database().db);
  });
  afterAll(() => platform.close());

  const record = (lineage: Recorded): Promise<void> =>
    database()
      .db.transaction()
      .execute((tx) => recordLineage(tx, platform.tenant, lineage, new Date()));
  const markDeleted = (point: Point): Promise<void> =>
    database()
      .db.transaction()
      .execute((tx) => markLineageDeleted(tx, platform.tenant, point, new Date()));
  const run = (label: string) => ({ kind: 'run', id: newId(), label }) as const;
  const labels = async (at: string): Promise<string[]> => {
    const { body } = await platform.call('GET', `lineage/${at}`);
    return body.nodes.map(({ label, deleted }: { label: string; deleted: boolean }) => `${label}${deleted ? ' †' : ''}`).toSorted();
  };

  it('shows where a run came from, and what came of a data', async () => {
    const raw = await platform.dataWith({}, 'raw');
    const { body: derived } = await platform.call('POST', 'data', { name: 'derived', parent: raw.id });
    const { body: dataset } = await platform.call('POST', 'datasets', { name: 'set', entries: { training: [derived.id], testing: [derived.id] } });
    const [first, second] = [run('training-1'), run('inference-1')];
    const commit = { kind: 'commit', id: `${newId()}:model@abc/def`, label: 'model abc' } as const;
    await record({
      to: first,
      from: [
        { kind: 'dataset', id: dataset.id, label: 'another label', relation: 'input' },
        { ...commit, relation: 'code' },
      ],
    });
    await record({ to: second, from: [{ ...first, relation: 'parent' }] });
    await record({ to: second, from: [{ ...first, relation: 'parent' }] });

    const everything = [`#${raw.number} raw`, `#${derived.number} derived`, `#${dataset.number} set`, 'training-1', 'inference-1'];
    expect(await labels(`run/${second.id}`)).toEqual([...everything, 'model abc'].toSorted());
    expect(await labels(`data/%23${raw.number}?direction=descendants`)).toEqual(everything.toSorted());
    expect(await labels(`commit/${encodeURIComponent(commit.id)}?direction=descendants`)).toEqual(['inference-1', 'model abc', 'training-1']);
    expect(await labels(`run/${second.id}?depth=1`)).toEqual(['inference-1', 'training-1']);

    const { body } = await platform.call('GET', `lineage/run/${first.id}`);
    expect(body.truncated).toBe(false);
    expect(body.edges.map(({ relation }: { relation: string }) => relation).toSorted()).toEqual(['code', 'contains', 'derived', 'input']);
    expect((await platform.call('GET', `lineage/run/${second.id}?depth=1`)).body.truncated).toBe(true);
  });

  it('follows names and entries, and keeps what was deleted', async () => {
    const [one, two] = [await platform.dataWith({}, 'one'), await platform.dataWith({}, 'two')];
    const { body: dataset } = await platform.call('POST', 'datasets', { name: 'set', flatEntries: [one.id] });
    const user = run('training-2');
    await record({ to: user, from: [{ kind: 'dataset', id: dataset.id, label: '', relation: 'input' }] });

    await platform.call('PATCH', `datasets/${dataset.id}`, { name: 'renamed', flatEntries: [two.id] });
    await platform.call('PATCH', `data/${two.id}`, { name: 'deux' });
    expect(await labels(`run/${user.id}`)).toEqual([`#${two.number} deux`, `#${dataset.number} renamed`, 'training-2'].toSorted());

    await platform.call('DELETE', `datasets/${dataset.id}`);
    await markDeleted(user);
    expect(await labels(`run/${user.id}`)).toEqual([`#${two.number} deux`, `#${dataset.number} renamed †`, 'training-2 †'].toSorted());
  });

  it('does not keep a data in an unlocked data set that it has left by being deleted', async () => {
    const one = await platform.dataWith({}, 'gone');
    const { body: dataset } = await platform.call('POST', 'datasets', { name: 'left', flatEntries: [one.id] });
    await platform.call('DELETE', `data/${one.id}`);
    expect(await labels(`dataset/${dataset.number}`)).toEqual([`#${dataset.number} left`]);
    expect(await labels(`data/${one.id}`)).toEqual([`#${one.number} gone †`]);
  });

  it('meets a node once, however many ways lead to it, and survives a circle', async () => {
    const layers = Array.from({ length: 12 }, (_, layer) => Array.from({ length: 6 }, (__, index) => run(`${layer}-${index}`)));
    for (const [layer, runs] of layers.entries())
      for (const to of runs) await record({ to, from: (layers[layer - 1] ?? []).map((from) => ({ ...from, relation: 'parent' })) });
    const [top, bottom] = [layers.at(-1)?.[0], layers[0]?.[0]];
    if (!top || !bottom) throw new Error('no layers');
    await record({ to: bottom, from: [{ ...top, relation: 'parent' }] });

    const { body } = await platform.call('GET', `lineage/run/${top.id}`);
    expect(body.nodes).toHaveLength(11 * 6 + 1);
    expect(body.edges).toHaveLength(10 * 36 + 6 + 1);
    expect(body.truncated).toBe(false);
  });

  it('says when it shows only a part', async () => {
    const many = run('has many parents');
    await record({
      to: many,
      from: Array.from({ length: LINEAGE_NODES_LIMIT + 10 }, (_, index) => ({ ...run(`parent ${index}`), relation: 'parent' as const })),
    });
    const { body } = await platform.call('GET', `lineage/run/${many.id}`);
    expect(body.nodes).toHaveLength(LINEAGE_NODES_LIMIT);
    expect(body.truncated).toBe(true);
  });

  it("knows nothing of what is not there, or is another tenant's", async () => {
    const mine = run('mine');
    await record({ to: mine, from: [] });
    expect((await platform.call('GET', `lineage/run/${newId()}`)).body).toMatchObject({ code: 'not-found' });
    expect((await platform.call('GET', 'lineage/run/training-99999')).body).toMatchObject({ code: 'not-found' });
    expect((await platform.call('GET', 'lineage/nonsense/1')).body).toMatchObject({ code: 'invalid-request' });
    expect((await platform.call('GET', `/v1/tenants/${newId()}/lineage/run/${mine.id}`)).body).toMatchObject({ code: 'not-found' });
  });
});

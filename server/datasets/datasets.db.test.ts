import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { datasetFiles, findDataset, lockDataset, readDatasetDetails, unlockDatasetWhenUnused } from '#datasets/datasets.ts';
import type { DatasetFile } from '#datasets/dataset-files.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import type { DatasetId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('data sets', () => {
  const database = useTestDatabase();
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await openTestPlatform(database().db);
  });
  afterAll(() => platform.close());

  const lock = (dataset: DatasetId): Promise<void> =>
    database()
      .db.transaction()
      .execute((tx) => lockDataset(tx, platform.tenant, dataset, new Date()));
  const unlock = (dataset: DatasetId): Promise<void> =>
    database()
      .db.transaction()
      .execute((tx) => unlockDatasetWhenUnused(tx, platform.tenant, dataset));
  /** A run in a state that nobody looks at, only to refer to a data set. */
  const useBy = async (dataset: DatasetId): Promise<{ name: string; remove: () => Promise<void> }> => {
    const [run, number, now] = [newId(), Math.floor(Math.random() * 1e9), new Date()];
    await database()
      .db.insertInto('runs')
      .values({
        tenant_id: platform.tenant,
        id: run,
        kind: 'training',
        number,
        name: 'r',
        memo: '',
        tags: [],
        state: 'succeeded',
        request: '{}',
        warnings: '[]',
        image: 'host',
        cpu_milli: 1,
        memory_bytes: 1,
        gpus: 0,
        priority: 0,
        shape: '',
        retries: '{}',
        created_by: platform.user,
        created_at: now,
        queued_at: now,
        due_at: now,
      })
      .execute();
    await database().db.insertInto('run_datasets').values({ tenant_id: platform.tenant, run_id: run, dataset_id: dataset }).execute();
    return { name: `training-${number}`, remove: async () => void (await database().db.deleteFrom('runs').where('id', '=', run).execute()) };
  };
  const files = async (dataset: DatasetId): Promise<DatasetFile[]> => {
    const found: DatasetFile[] = [];
    for await (const file of datasetFiles(database().db, platform.tenant, dataset)) found.push(file);
    return found;
  };

  it('are typed, made from ids and numbers, and found by either', async () => {
    const [one, two, three] = [await platform.dataWith({}, 'one'), await platform.dataWith({}, 'two'), await platform.dataWith({}, 'three')];
    const created = await platform.call('POST', 'datasets', {
      name: 'digits',
      entries: { training: [one.id, String(two.number)], testing: [`#${three.number}`, one.id] },
    });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ name: 'digits', flat: false, locked: false, entryCount: 4, flatEntries: [] });
    expect(created.body.entries.training.map(({ name }: { name: string }) => name)).toEqual(['two', 'one']);
    expect(created.body.entries.testing.map(({ name }: { name: string }) => name)).toEqual(['three', 'one']);
    expect(created.body.entries.validation).toEqual([]);
    expect((await platform.call('GET', `datasets/%23${created.body.number}`)).body).toEqual(created.body);
    expect((await platform.call('GET', 'datasets?text=digit')).body.items).toHaveLength(1);
    expect(await readDatasetDetails(database().db, platform.tenant, created.body.id)).toEqual(created.body);
    expect(await findDataset(database().db, platform.tenant, String(created.body.number))).toMatchObject({ id: created.body.id, lockedAt: null });
    await expect(findDataset(database().db, platform.tenant, '999999')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('may be flat, or empty', async () => {
    const one = await platform.dataWith({}, 'one');
    expect((await platform.call('POST', 'datasets', { name: 'flat', flatEntries: [one.id] })).body).toMatchObject({
      flat: true,
      flatEntries: [{ id: one.id }],
      entries: { training: [] },
    });
    expect((await platform.call('POST', 'datasets', { name: 'empty' })).body).toMatchObject({ flat: false, entryCount: 0 });
  });

  it('refuse unknown, doubled and contradictory entries, and then store nothing', async () => {
    const one = await platform.dataWith({}, 'one');
    const before = (await platform.call('GET', 'datasets')).body.total;
    const foreign = newId();
    expect((await platform.call('POST', 'datasets', { name: 'x', flatEntries: [one.id, foreign] })).body).toMatchObject({
      code: 'not-found',
      params: { reference: foreign },
    });
    expect((await platform.call('POST', 'datasets', { name: 'x', flatEntries: ['#99999999'] })).body).toMatchObject({
      code: 'not-found',
      params: { reference: '#99999999' },
    });
    expect((await platform.call('POST', 'datasets', { name: 'x', entries: { training: [one.id, `#${one.number}`] } })).body).toMatchObject({
      code: 'invalid-request',
    });
    expect((await platform.call('POST', 'datasets', { name: 'x', entries: {}, flatEntries: [] })).body).toMatchObject({ code: 'invalid-request' });
    expect((await platform.call('GET', 'datasets')).body.total).toEqual(before);
  });

  it("do not take another tenant's data", async () => {
    const other = await openTestPlatform(database().db);
    const theirs = await other.dataWith({});
    expect((await platform.call('POST', 'datasets', { name: 'x', flatEntries: [String(theirs.number)] })).body).toMatchObject({ code: 'not-found' });
    await other.close();
  });

  it('change until a run has used them, and again when no run is left', async () => {
    const [one, two] = [await platform.dataWith({}, 'one'), await platform.dataWith({}, 'two')];
    const { body: dataset } = await platform.call('POST', 'datasets', { name: 'used', entries: { training: [one.id] } });
    expect((await platform.call('PATCH', `datasets/${dataset.id}`, { entries: { testing: [two.id] } })).body).toMatchObject({
      entryCount: 1,
      entries: { training: [], testing: [{ id: two.id }] },
    });

    await lock(dataset.id);
    await lock(dataset.id);
    const run = await useBy(dataset.id);
    expect((await platform.call('PATCH', `datasets/${dataset.id}`, { entries: {} })).body).toMatchObject({
      code: 'locked',
      params: { reference: `#${dataset.number}` },
    });
    expect((await platform.call('PATCH', `datasets/${dataset.id}`, { name: 'renamed', memo: 'm' })).body).toMatchObject({
      name: 'renamed',
      locked: true,
      entryCount: 1,
    });
    expect((await platform.call('DELETE', `datasets/${dataset.id}`)).body).toMatchObject({
      code: 'in-use',
      params: { users: expect.stringMatching(new RegExp(`^run ${run.name} “.*”$`)), total: 1 },
      things: [{ kind: 'run', reference: run.name }],
    });
    await unlock(dataset.id);
    expect((await platform.call('GET', `datasets/${dataset.id}`)).body.locked).toBe(true);

    const copy = await platform.call('POST', `datasets/${dataset.id}/copy`, {});
    expect(copy.body).toMatchObject({ name: 'renamed (copy)', locked: false, entryCount: 1, entries: { testing: [{ id: two.id }] } });
    expect((await platform.call('PATCH', `datasets/${copy.body.id}`, { flatEntries: [one.id, two.id] })).body).toMatchObject({ flat: true, entryCount: 2 });

    await run.remove();
    await unlock(dataset.id);
    expect((await platform.call('DELETE', `datasets/${dataset.id}`)).status).toBe(204);
    await expect(lock(dataset.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are either locked or changed when both are tried at once, never in part', async () => {
    const [one, two] = [await platform.dataWith({}, 'one'), await platform.dataWith({}, 'two')];
    for (let round = 0; round < 10; round += 1) {
      const { body: dataset } = await platform.call('POST', 'datasets', { name: 'race', flatEntries: [one.id] });
      const seen: { entries?: string[] } = {};
      const [changed] = await Promise.all([
        platform.call('PATCH', `datasets/${dataset.id}`, { flatEntries: [two.id] }),
        database()
          .db.transaction()
          .execute(async (tx) => {
            await lockDataset(tx, platform.tenant, dataset.id, new Date());
            seen.entries = (await tx.selectFrom('dataset_entries').select('data_id').where('dataset_id', '=', dataset.id).execute()).map((row) => row.data_id);
          }),
      ]);
      expect(seen.entries).toEqual([changed.status === 200 ? two.id : one.id]);
      expect((await platform.call('GET', `datasets/${dataset.id}`)).body.flatEntries.map(({ id }: { id: string }) => id)).toEqual(seen.entries);
    }
  });

  it('hold the files of a data from the moment they are locked', async () => {
    for (let round = 0; round < 10; round += 1) {
      const data = await platform.dataWith({ a: Buffer.from('a') });
      const { body: dataset } = await platform.call('POST', 'datasets', { name: 'race', flatEntries: [data.id] });
      const seen: { files?: number } = {};
      const [stored, deleted] = await Promise.all([
        platform.upload(data.id, { b: Buffer.from('b') }),
        round % 2 ? platform.call('DELETE', `data/${data.id}`) : null,
        database()
          .db.transaction()
          .execute(async (tx) => {
            await lockDataset(tx, platform.tenant, dataset.id, new Date());
            const { count } = await tx
              .selectFrom('data_files')
              .innerJoin('dataset_entries', 'dataset_entries.data_id', 'data_files.data_id')
              .select(({ fn }) => fn.countAll<number>().as('count'))
              .where('dataset_id', '=', dataset.id)
              .executeTakeFirstOrThrow();
            seen.files = count;
          }),
      ]);
      expect([201, 404, 409]).toContain(stored.status);
      expect([undefined, 204, 409]).toContain(deleted?.status);
      expect(await files(dataset.id)).toHaveLength(seen.files ?? -1);
    }
  });

  it('let many runs lock the same one at once', async () => {
    const { body: dataset } = await platform.call('POST', 'datasets', { name: 'popular' });
    await Promise.all(Array.from({ length: 20 }, () => lock(dataset.id)));
    expect((await platform.call('GET', `datasets/${dataset.id}`)).body.locked).toBe(true);
  });

  it('give their files by type and data, for staging', async () => {
    const one = await platform.dataWith({ 'a/x.png': Buffer.from('same'), b: Buffer.from('b') }, 'one');
    const two = await platform.dataWith({ c: Buffer.from('same') }, 'two');
    const { body: dataset } = await platform.call('POST', 'datasets', { name: 'staged', entries: { training: [one.id], testing: [one.id, two.id] } });

    const found = await files(dataset.id);
    expect(found.map(({ type, dataNumber, name }) => `${type}/${dataNumber}/${name}`).toSorted()).toEqual(
      [
        `testing/${one.number}/a/x.png`,
        `testing/${one.number}/b`,
        `testing/${two.number}/c`,
        `training/${one.number}/a/x.png`,
        `training/${one.number}/b`,
      ].toSorted(),
    );
    expect(new Set(found.filter(({ name }) => name !== 'b').map(({ blob }) => blob.id)).size).toBe(1);
    expect(found.every(({ blob }) => blob.size > 0 && blob.digest.startsWith('sha256:'))).toBe(true);
  });

  it('hold 100,000 entries', async () => {
    const { db } = database();
    const now = new Date();
    const blob = newId();
    await db.insertInto('blobs').values({ tenant_id: platform.tenant, id: blob, digest: 'sha256:many', size: 1, created_at: now }).execute();
    await sql`insert into data (tenant_id, id, name, memo, tags, file_count, total_size, created_by, created_at)
      select ${platform.tenant}::uuid, gen_random_uuid(), 'many ' || n, '', '{}', 1, 1, ${platform.user}::uuid, ${now}::timestamptz from generate_series(1, 100000) n`.execute(
      db,
    );
    await sql`insert into data_files (tenant_id, data_id, id, name, blob_id, created_at)
      select tenant_id, id, gen_random_uuid(), 'f', ${blob}::uuid, created_at from data where tenant_id = ${platform.tenant} and name like 'many %'`.execute(
      db,
    );
    const ids = (await db.selectFrom('data').select('id').where('tenant_id', '=', platform.tenant).where('name', 'like', 'many %').execute()).map(
      (row) => row.id,
    );

    const created = await platform.call('POST', 'datasets', { name: 'many', flatEntries: ids });
    expect(created.status, JSON.stringify(created.body).slice(0, 300)).toBe(201);
    expect(created.body.flatEntries).toHaveLength(100_000);
    let count = 0;
    for await (const { dataNumber } of datasetFiles(db, platform.tenant, created.body.id)) count += Math.sign(dataNumber);
    expect(count).toBe(100_000);
    const lineage = await platform.call('GET', `lineage/dataset/${created.body.id}`);
    expect(lineage.body.nodes.length).toBeLessThanOrEqual(2_000);
    expect(lineage.body.truncated).toBe(true);
    expect((await platform.call('POST', 'datasets', { name: 'too many', entries: { training: ids, testing: ids.slice(0, 1) } })).body).toMatchObject({
      code: 'too-many',
    });
  }, 240_000);
});

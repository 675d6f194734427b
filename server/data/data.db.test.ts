import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { lockDataset, unlockDatasetWhenUnused } from '#datasets/datasets.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('data', () => {
  const database = useTestDatabase();
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await openTestPlatform(database().db);
  });
  afterAll(() => platform.close());

  it('is created, changed, found by id and number, and deleted', async () => {
    const created = await platform.call('POST', 'data', { name: ' 手書き数字 ', tags: ['raw', 'digits', 'raw'] });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      name: '手書き数字',
      memo: '',
      tags: ['raw', 'digits'],
      parent: null,
      fileCount: 0,
      totalSize: 0,
      createdBy: { id: platform.user, displayName: 'Somebody' },
    });

    const changed = await platform.call('PATCH', `data/%23${created.body.number}`, { memo: 'from UCI', tags: [] });
    expect(changed.body).toEqual({ ...created.body, memo: 'from UCI', tags: [] });
    expect((await platform.call('GET', `data/${created.body.number}`)).body).toEqual(changed.body);
    expect((await platform.call('DELETE', `data/${created.body.id}`)).status).toBe(204);
    expect((await platform.call('GET', `data/${created.body.id}`)).body).toMatchObject({ code: 'not-found' });
    expect(platform.published.filter(({ id }) => id === created.body.id).map(({ change }) => change)).toEqual(['created', 'updated', 'deleted']);
  });

  it('is created once for one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'k-1' };
    const [one, two] = [await platform.call('POST', 'data', { name: 'once' }, headers), await platform.call('POST', 'data', { name: 'once' }, headers)];
    expect(two.body).toEqual(one.body);
    expect((await platform.call('POST', 'data', { name: 'other' }, headers)).body).toMatchObject({ code: 'idempotency-mismatch' });
  });

  it.each([[{ name: '  ' }], [{ name: 'two\nlines' }], [{ name: 'x', tags: ['a,b'] }], [{ name: 'x', surprise: 1 }], [{}]])('refuses %j', async (body) => {
    expect((await platform.call('POST', 'data', body)).body).toMatchObject({ code: 'invalid-request' });
  });

  it('lists by text, tags and person, page after page', async () => {
    for (let index = 0; index < 5; index += 1)
      await platform.call('POST', 'data', { name: `listed 100%_${index}`, memo: 'quux', tags: index % 2 ? ['odd', 'all'] : ['all'] });
    const all = await platform.call('GET', 'data?text=quux');
    expect(all.body.total).toEqual({ count: 5, exact: true });
    expect(all.body.items.map(({ name }: { name: string }) => name)).toEqual([4, 3, 2, 1, 0].map((index) => `listed 100%_${index}`));
    expect((await platform.call('GET', 'data?text=100%25_3')).body.items).toHaveLength(1);
    expect((await platform.call('GET', 'data?tag=all&tag=odd')).body.items).toHaveLength(2);
    expect((await platform.call('GET', `data?text=quux&createdBy=user-${platform.user}`)).body.items).toHaveLength(5);
    expect((await platform.call('GET', 'data?createdBy=nobody')).body.items).toEqual([]);

    const names: string[] = [];
    let cursor = '';
    do {
      const { body } = await platform.call('GET', `data?text=quux&limit=2${cursor}`);
      names.push(...body.items.map(({ name }: { name: string }) => name));
      cursor = body.nextCursor ? `&cursor=${body.nextCursor}` : '';
    } while (cursor !== '');
    expect(names).toEqual(all.body.items.map(({ name }: { name: string }) => name));
    expect((await platform.call('GET', 'data?cursor=nonsense')).body).toMatchObject({ code: 'invalid-cursor' });
  });

  it('lists files page after page', async () => {
    const data = await platform.dataWith(Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`file-${index}`, Buffer.from(String(index))])));
    const first = await platform.call('GET', `data/${data.id}/files?limit=3`);
    const second = await platform.call('GET', `data/${data.id}/files?limit=3&cursor=${first.body.nextCursor}`);
    expect([...first.body.items, ...second.body.items].map(({ name }) => name)).toEqual(['file-0', 'file-1', 'file-2', 'file-3', 'file-4']);
    expect(second.body.nextCursor).toBeNull();
    expect((await platform.call('GET', `data/${data.id}/files?cursor=nonsense`)).body).toMatchObject({ code: 'invalid-cursor' });
  });

  it('that others were derived from cannot be deleted', async () => {
    const parent = await platform.dataWith({}, 'parent');
    const child = await platform.call('POST', 'data', { name: 'child', parent: `#${parent.number}` });
    expect(child.body.parent).toEqual({ id: parent.id, number: parent.number, name: 'parent' });
    expect((await platform.call('DELETE', `data/${parent.id}`)).body).toMatchObject({
      code: 'in-use',
      params: { users: `data #${child.body.number} “child”`, total: 1 },
      things: [{ kind: 'data', id: child.body.id, reference: `#${child.body.number}`, name: 'child' }],
    });
    await platform.call('DELETE', `data/${child.body.id}`);
    expect((await platform.call('DELETE', `data/${parent.id}`)).status).toBe(204);
    expect((await platform.call('POST', 'data', { name: 'orphan', parent: parent.id })).body).toMatchObject({ code: 'not-found' });
  });

  it('in a locked data set keeps its files, though name, memo and tags may change', async () => {
    const data = await platform.dataWith({ a: Buffer.from('a') });
    const [file] = (await platform.call('GET', `data/${data.id}/files`)).body.items;
    const waiting = (await platform.call('POST', `data/${data.id}/uploads`, { files: [{ name: 'waiting', size: 0 }] })).body.uploads[0];
    const { body: dataset } = await platform.call('POST', 'datasets', { name: 'set', flatEntries: [data.id] });
    const lock = () =>
      database()
        .db.transaction()
        .execute((tx) => lockDataset(tx, platform.tenant, dataset.id, new Date()));
    await lock();

    const inUse = { code: 'in-use', params: { users: `data set #${dataset.number} “set”` } };
    expect((await platform.call('DELETE', `data/${data.id}`)).body).toMatchObject(inUse);
    expect((await platform.call('DELETE', `data/${data.id}/files/${file.id}`)).body).toMatchObject(inUse);
    expect((await platform.upload(data.id, { b: Buffer.from('b') })).body).toMatchObject(inUse);
    expect((await platform.call('POST', `data/${data.id}/uploads/complete`, { uploads: [{ id: waiting.id }] })).body).toMatchObject(inUse);
    expect((await platform.call('PATCH', `data/${data.id}`, { name: 'renamed', tags: ['x'], memo: 'm' })).status).toBe(200);

    await database()
      .db.transaction()
      .execute((tx) => unlockDatasetWhenUnused(tx, platform.tenant, dataset.id));
    expect((await platform.call('POST', `data/${data.id}/uploads/complete`, { uploads: [{ id: waiting.id }] })).status).toBe(201);
    expect((await platform.call('DELETE', `data/${data.id}`)).status).toBe(204);
    expect((await platform.call('GET', `datasets/${dataset.id}`)).body).toMatchObject({ entryCount: 0, flatEntries: [] });
  });
});

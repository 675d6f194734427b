import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('searching data and data sets', () => {
  const database = useTestDatabase();
  const held: { platform?: TestPlatform; stranger?: TestPlatform } = {};
  const platform = (): TestPlatform => held.platform as TestPlatform;
  const things = { street: { id: '', number: 0 }, night: { id: '', number: 0 }, set: { id: '', number: 0 }, flat: { id: '', number: 0 } };

  beforeAll(async () => {
    const { db } = database();
    held.platform = await openTestPlatform(db);
    held.stranger = await openTestPlatform(db);
    const make = async (at: string, body: object, by = platform()) => (await by.call('POST', at, body)).body;
    things.street = await make('data', { name: 'street', memo: 'summer of 2025', tags: ['camera', 'day'] });
    things.night = await make('data', { name: 'street at night', tags: ['camera'], parent: things.street.id });
    await platform().upload(things.night.id, { 'a.bin': new Uint8Array(3_000), 'b.bin': new Uint8Array(10) });
    await make('data', { name: 'speech' });
    things.set = await make('datasets', { name: 'streets', memo: 'both', entries: { training: [things.street.id], testing: [things.night.id] } });
    things.flat = await make('datasets', { name: 'sounds', flatEntries: [] });
    await make('data', { name: 'street of others', tags: ['camera'] }, held.stranger);
  });
  afterAll(async () => {
    await held.platform?.close();
    await held.stranger?.close();
  });

  const ask = (list: string, query: Record<string, string>, by = platform()) => by.call('GET', `${list}?${new URLSearchParams(query)}`);
  const names = async (list: string, query: Record<string, string>): Promise<readonly string[]> =>
    (await ask(list, query)).body.items.map(({ name }: { name: string }) => name);

  it('finds data by each of their fields', async () => {
    const [A, B, C] = ['street', 'street at night', 'speech'];
    for (const [search, expected] of [
      ['street', [A, B]],
      ['street -night', [A]],
      ['memo:summer', [A]],
      ['name="street"', [A]],
      ['tag:day', [A]],
      ['tag:day,night', [A]],
      ['-tag:camera', [C]],
      [`#${things.night.number}`, [B]],
      ['files:2', [B]],
      ['files<1', [A, C]],
      ['files:99999999999', []],
      ['size>=3kB', [B]],
      ['size>=3KiB', []],
      ['size:1..1MB', [B]],
      ['created>=now-1h', [A, B, C]],
      ['created<now-1h', []],
      [`creator:${platform().user}`, [A, B, C]],
      [`creator:user-${platform().user}`, [A, B, C]],
      [`parent:#${things.street.number}`, [B]],
      [`dataset:${things.set.number}`, [A, B]],
      [`-dataset:${things.set.id}`, [C]],
    ] as const)
      expect([search, await names('data', { search, sort: 'number' })]).toEqual([search, expected]);
  });

  it('finds data sets by each of theirs', async () => {
    const [A, B] = ['streets', 'sounds'];
    for (const [search, expected] of [
      ['streets', [A]],
      ['memo:both', [A]],
      ['flat:yes', [B]],
      ['flat:no', [A]],
      ['locked:no', [A, B]],
      ['locked:true', []],
      ['entries>1', [A]],
      ['entries:0', [B]],
      [`data:${things.night.number}`, [A]],
      [`-data:${things.night.id}`, [B]],
      ['run:training-1', []],
      [`#${things.flat.number}`, [B]],
      ['created>=2020', [A, B]],
    ] as const)
      expect([search, await names('datasets', { search, sort: 'number' })]).toEqual([search, expected]);
  });

  it('sorts, and keeps the order over pages', async () => {
    expect(await names('data', { sort: 'name' })).toEqual(['speech', 'street', 'street at night']);
    expect(await names('data', { sort: '-size' })).toEqual(['street at night', 'speech', 'street']);
    expect(await names('data', { sort: '-files', search: 'street' })).toEqual(['street at night', 'street']);
    expect(await names('datasets', { sort: '-entries' })).toEqual(['streets', 'sounds']);
    const first = (await ask('data', { sort: 'name', limit: '2' })).body;
    expect(first.total).toEqual({ count: 3, exact: true });
    expect((await ask('data', { sort: 'name', limit: '2', cursor: first.nextCursor })).body).toMatchObject({
      items: [{ name: 'street at night' }],
      nextCursor: null,
    });
  });

  it('says where it does not understand', async () => {
    expect(await ask('data', { search: 'street colour:red' })).toMatchObject({
      status: 400,
      body: {
        code: 'search-not-understood',
        params: { at: 8, near: 'colour:red', why: 'unknown-field', field: 'colour', operator: ':' },
        message: expect.stringContaining('Known: number, name, memo, tag'),
      },
    });
    expect(await ask('datasets', { search: 'tag:red' })).toMatchObject({ status: 400, body: { code: 'search-not-understood' } });
    expect(await ask('data', { search: 'x'.repeat(2_001) })).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect(await ask('data', { sort: 'colour' })).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', message: expect.stringContaining('created, number, name, files, size') },
    });
  });

  it("shows nothing of another tenant's", async () => {
    const stranger = held.stranger as TestPlatform;
    for (const search of ['street', 'tag:camera', 'created>=2020', '-tag:day'])
      expect((await ask('data', { search }, stranger)).body.items.map(({ name }: { name: string }) => name)).toEqual(['street of others']);
    for (const search of [`#${things.street.number}`, `parent:${things.street.id}`, `dataset:${things.set.id}`])
      expect((await ask('data', { search }, stranger)).body.items).toEqual([]);
  });
});

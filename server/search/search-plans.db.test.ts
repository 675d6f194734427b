import { DATA_LIST } from '#data/data-search.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { RUN_LIST } from '#runs/run-search.ts';
import { findInList, type ListAsk, type SearchedList } from '#search/search.ts';
import { isPerson } from '#search/search-fields.ts';
import { type SeededTenant, seedLists } from '#search/testing/seed-lists.ts';
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';

const SIZE = { data: 22_000, runs: 4_000 };

const LISTS = { data: DATA_LIST, runs: RUN_LIST };

/**
 * Searches at a size at which reading everything would show. What the database did is taken from its own counters: rows
 * that it read, whatever plan it chose.
 */
describe('lists of many', () => {
  const database = useTestDatabase(1);
  const held: { seeded?: SeededTenant } = {};
  const asking = () => ({ tenant: (held.seeded as SeededTenant).tenant, now: new Date() });

  beforeAll(async () => {
    held.seeded = await seedLists(database().db, SIZE);
    // A second tenant, of which nothing may be read.
    await seedLists(database().db, { data: 5_000, runs: 4_000 });
    await sql`vacuum analyze`.execute(database().db);
  });

  const find = (list: SearchedList, ask: Partial<ListAsk>) => findInList(database().db, list, asking(), { limit: 50, ...ask }, []);

  /** Rows of the table that were read from the table itself in sequence, since the connection was opened. */
  const readInSequence = async (): Promise<number> => {
    await sql`select pg_stat_force_next_flush()`.execute(database().db);
    const { rows } = await sql<{ read: number }>`select sum(seq_tup_read)::bigint as read from pg_stat_user_tables`.execute(database().db);
    return rows[0]?.read ?? 0;
  };

  it.each([
    ['data', 'aurora', 22],
    ['data', '夜明け', 22],
    ['data', 'camera-0000010', 1],
    ['data', 'tag:tag-7', 220],
    ['data', 'tag:tag-7 aurora', 22],
    ['data', 'name="digits-0000002"', 1],
    ['data', 'number:1..20', null],
    ['data', 'size<100kB', null],
    ['data', 'created>=now-2h', null],
    ['runs', 'aurora', 8],
    ['runs', 'tag:tag-3', 80],
    ['runs', 'failure:out-of-memory', 40],
    ['runs', 'metric.loss<0.002', 8],
    ['runs', 'param.seed:77', 1],
    ['runs', 'param.seed:1..10', 10],
  ] as const)('reads no whole table of %s for %s', async (what, search, count) => {
    const before = await readInSequence();
    const found = await find(LISTS[what], { search });
    if (count !== null) expect(found.total).toEqual({ count, exact: true });
    expect(found.ids.length).toBeGreaterThan(0);
    // Small tables, such as that of the users, are read as a whole because that is quickest.
    expect((await readInSequence()) - before).toBeLessThan(SIZE.runs / 2);
  });

  it.each([
    ['data', Object.keys(DATA_LIST.sorts)],
    ['runs', [...Object.keys(RUN_LIST.sorts), 'metric.loss', 'param.seed']],
  ] as const)('pages through %s in any order without reading them all', async (what, sorts) => {
    for (const sort of sorts.flatMap((name) => [name, `-${name}`])) {
      const before = await readInSequence();
      const first = await find(LISTS[what], { sort });
      const second = await find(LISTS[what], { sort, cursor: first.nextCursor ?? undefined });
      expect([sort, new Set([...first.ids, ...second.ids]).size]).toEqual([sort, 100]);
      expect([sort, (await readInSequence()) - before]).toEqual([sort, expect.toSatisfy((read: number) => read < SIZE.runs / 2)]);
    }
  });

  it.each([
    ['soon where the order goes on', 'tag:even', 'number', sql`tags @> '{even}'`, sql`number`],
    ['far on in the order, not all that many', 'number:1..1500', '-created', sql`number <= 1500`, sql`created_at desc, id desc`],
    [
      'far on in the order, in thousands',
      '-name:camera -name:digits -name:faces -name:leaves',
      'name',
      sql`name !~ '^(camera|digits|faces|leaves)'`,
      sql`name, id`,
    ],
  ])('counts to a thousand and no further, and finds the pages of those that are %s', async (_where, search, sort, condition, order) => {
    const { db } = database();
    const found = await find(DATA_LIST, { search, sort, limit: 3 });
    const next = await find(DATA_LIST, { search, sort, limit: 3, cursor: found.nextCursor ?? undefined });
    const { rows } = await sql<{ id: string }>`select id from data where tenant_id = ${asking().tenant} and ${condition} order by ${order} limit 6`.execute(db);
    expect([...found.ids, ...next.ids]).toEqual(rows.map(({ id }) => id));
    expect([found.total, next.total]).toEqual([1, 2].map(() => ({ count: 1_000, exact: false })));
  });

  it('expects as much of a person as is theirs, so that nothing is read for somebody who has made nothing', async () => {
    const expected = async (name: string): Promise<number> => {
      const condition = isPerson(sql`data.created_by`, name);
      const { rows } = await sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
        explain (format json) select from data where tenant_id = ${asking().tenant} and ${condition}`.execute(database().db);
      return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
    };
    const each = SIZE.data / 20;
    expect(await expected('nobody')).toBeLessThan(each / 10);
    expect(await expected(`User-1-${asking().tenant}`)).toBeGreaterThan(each / 2);
  });

  it('gives up a search that takes too long, and keeps nothing of it', async () => {
    const { db } = database();
    const endless: SearchedList = { ...DATA_LIST, text: sql<string>`(data.name || case when pg_sleep(0.01) is null then '' else '' end)` };
    await expect(findInList(db, endless, asking(), { search: '"nothing like it"', limit: 10 }, [])).rejects.toMatchObject({ code: 'search-too-slow' });
    const { rows } = await sql<{ limit: string }>`select current_setting('statement_timeout') as limit`.execute(db);
    expect(rows[0]?.limit).toBe('1min');
  });
});

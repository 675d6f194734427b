import { type Bench, scaled } from './bench.ts';
import { atMost, explain, type Figure, quantile, rounded } from './figure.ts';
import { openSeededLists, type SeededLists } from './seeded-lists.ts';
import { listDataPage } from '../server/data/data-store.ts';
import { startThrowawayPostgres } from '../server/postgres/throwaway-postgres.ts';
import { listRunViews } from '../server/runs/run-store.ts';
import { listData } from '@sodate/contract/data.ts';
import { listRuns } from '@sodate/contract/run-routes.ts';

/** The budget's sizes, for SODATE_BENCH_LISTS=full: seeding a million takes minutes and some 4 GB. */
export const FULL = { data: 1_000_000, runs: 100_000, part: 100 };
export const USUAL = { data: 10_000, runs: 10_000, part: 10 };
const ROUNDS = 40;
const WARM_UP = 5;
const GROWTH_LIMIT = 2;

type Ask = (lists: SeededLists) => Promise<unknown>;

const data =
  (query: object): Ask =>
  ({ db, tenant }) =>
    listDataPage(db, tenant, listData.query.parse(query), new Date());
const runs =
  (query: object): Ask =>
  ({ db, tenant }) =>
    listRunViews(db, tenant, listRuns.query.parse(query), new Date());

/** The cursor of the second page is each database's own. */
const secondPage =
  (list: (query: object) => Ask, query: object): Ask =>
  async (lists) => {
    const { nextCursor } = (await list(query)(lists)) as { nextCursor: string | null };
    return list({ ...query, cursor: nextCursor ?? undefined })(lists);
  };

type Asked = readonly { readonly what: string; readonly ask: Ask }[];

const LISTS: Asked = [
  { what: 'data', ask: data({}) },
  { what: 'data, two pages', ask: secondPage(data, {}) },
  { what: 'data by name, two pages', ask: secondPage(data, { sort: 'name' }) },
  { what: 'data, the largest first', ask: data({ sort: '-size' }) },
  { what: 'runs', ask: runs({}) },
  { what: 'runs by metric.loss', ask: runs({ sort: 'metric.loss' }) },
];

const SEARCHES: Asked = [
  { what: 'data: #7', ask: data({ search: '#7' }) },
  { what: 'data: a text in one', ask: data({ search: 'digits-0000042' }) },
  { what: 'data: a text in one of a thousand', ask: data({ search: 'aurora' }) },
  { what: 'data: a text in one of ten', ask: data({ search: 'camera' }) },
  { what: 'data: a tag of one in a hundred', ask: data({ search: 'tag:tag-7' }) },
  { what: 'data: a tag of one in a hundred, by name', ask: data({ search: 'tag:tag-7', sort: 'name' }) },
  { what: 'data: of somebody who has made nothing', ask: data({ search: 'creator:nobody' }) },
  { what: 'data: a tag of every second, by size', ask: data({ search: 'tag:even', sort: '-size' }) },
  { what: 'data: of the last two hours', ask: data({ search: 'created>=now-2h' }) },
  { what: 'runs that failed', ask: runs({ state: ['failed'] }) },
  { what: 'runs: a text in one of five hundred', ask: runs({ search: 'aurora' }) },
  { what: 'runs: metric.loss<0.002', ask: runs({ search: 'metric.loss<0.002' }) },
  { what: 'runs: metric.loss<0.5 param.lr=0.01', ask: runs({ search: 'metric.loss<0.5 param.lr=0.01' }) },
  { what: 'runs by metric.loss, those of one tag', ask: runs({ sort: '-metric.loss', search: 'tag:tag-3' }) },
  { what: 'runs: param.seed:77', ask: runs({ search: 'param.seed:77' }) },
];

/** Each list and search at its size beside itself at a part of it, in turns on one machine. */
export const listsBench: Bench = {
  name: 'lists',
  about: 'lists and searches beside themselves at a part',
  async measure(context) {
    const size = process.env['SODATE_BENCH_LISTS'] === 'full' ? FULL : USUAL;
    const [dataCount, runCount] = [scaled(context, size.data, 1_000), scaled(context, size.runs, 1_000)];
    const postgres = await startThrowawayPostgres();
    try {
      const few = await openSeededLists(postgres.connection, { data: Math.ceil(dataCount / size.part), runs: Math.ceil(runCount / size.part) });
      const began = performance.now();
      const many = await openSeededLists(postgres.connection, { data: dataCount, runs: runCount });
      const seeded = (performance.now() - began) / 1000;
      const figures = [...(await compare('lists', LISTS, [few, many])), ...(await compare('searches', SEARCHES, [few, many]))];
      await Promise.all([few.close(), many.close()]);
      return [explain(`${dataCount} data and ${runCount} runs beside 1/${size.part}, seeded in`, `${rounded(seeded)} s`), ...figures];
    } finally {
      await postgres.stop();
    }
  },
};

async function compare(name: string, asked: Asked, lists: readonly [SeededLists, SeededLists]): Promise<readonly Figure[]> {
  const all: readonly [number[], number[]] = [[], []];
  const each: Figure[] = [];
  for (const { what, ask } of asked) {
    const times = await inTurns(lists, ask);
    for (const nth of [0, 1] as const) all[nth].push(...times[nth]);
    const [short, long] = [quantile(times[0], 0.5), quantile(times[1], 0.5)];
    each.push(explain(`    ${what}, ms in the middle`, `${rounded(long)} to ${rounded(short)} = ${rounded(long / short)} ×`));
  }
  const [short, long] = [quantile(all[0], 0.99), quantile(all[1], 0.99)];
  return [atMost(`  p99 of ${name}`, long / short, GROWTH_LIMIT, '×'), explain('    in ms', `${rounded(long)} to ${rounded(short)}`), ...each];
}

/** In turns, since what else runs on the machine comes and goes. */
async function inTurns(lists: readonly [SeededLists, SeededLists], ask: Ask): Promise<readonly [number[], number[]]> {
  const times: readonly [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const nth of [0, 1] as const) {
      const began = performance.now();
      await ask(lists[nth]);
      if (round >= WARM_UP) times[nth].push(performance.now() - began);
    }
  }
  return times;
}

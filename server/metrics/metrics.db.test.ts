import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { findSeries, readParameters, readPointsFrom, readSeries, setParameters } from '#metrics/metrics.ts';
import { type AppendAsk, appendPoints } from '#metrics/append-points.ts';
import { selectLatest } from '#metrics/list-series.ts';
import { SERIES_PER_RUN_LIMIT } from '#metrics/metric-limits.ts';
import { CHUNK_SIZE, COARSER_BY } from '#metrics/plan-chunks.ts';
import type { SeriesRow } from '#metrics/series-store.ts';
import { type InsertedRun, insertRun } from '#metrics/testing/insert-run.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';

type Points = AppendAsk['points'];

describe('the store of metrics', () => {
  const database = useTestDatabase();
  const inTransaction = <T>(work: (tx: DatabaseTransaction) => Promise<T>): Promise<T> => database().db.transaction().execute(work);
  const newRun = (tenant?: TenantId): Promise<InsertedRun> => insertRun(database().db, new Date(), tenant === undefined ? {} : { tenant });
  const append = (of: InsertedRun, points: Points, rest: Partial<AppendAsk> = {}) =>
    inTransaction((tx) => appendPoints(tx, { ...of, origin: 'api', beyondLimits: 'refuse', points, ...rest }));
  const series = async (of: InsertedRun, name: string): Promise<SeriesRow> => {
    const [row] = await findSeries(database().db, of.tenant, [of.run], [name]);
    if (row === undefined) throw new Error(`no series ${name}`);
    return row;
  };
  const allPoints = async (of: InsertedRun, name: string) => readPointsFrom(database().db, of.tenant, (await series(of, name)).id, { offset: 0, limit: 1e9 });
  const rising = (count: number, from = 0): Points =>
    Array.from({ length: count }, (_, at) => ({ series: 'loss', step: from + at, at: 1_700_000_000_000 + (from + at) * 20, value: Math.sin(from + at) }));

  it('keeps every point as it came, whatever the sizes of the pieces it came in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 3_000 }), { minLength: 1, maxLength: 60 }), fc.boolean(), async (sizes, single) => {
        const run = await newRun();
        const sent: Points[number][] = [];
        for (const size of single ? sizes.map((one) => one % 3) : sizes) {
          const points = rising(size, sent.length);
          await append(run, points);
          sent.push(...points);
        }
        if (sent.length === 0) return;
        expect(await allPoints(run, 'loss')).toEqual(sent.map(({ step, at, value }) => ({ step, at, value })));
        const { rows } = await sql<{ level: number; total: number; gaps: number }>`
          select level, sum(count)::int as total, count(*) filter (where seq <> coalesce(before, 0))::int as gaps
          from (select *, lag(seq + count) over (partition by level order by seq) as before from metric_chunks
            where series_id = ${(await series(run, 'loss')).id}) c group by level order by level`.execute(database().db);
        const expected = [sent.length];
        for (let below = sent.length; below >= CHUNK_SIZE;) expected.push((below = Math.floor(below / CHUNK_SIZE) * (CHUNK_SIZE / COARSER_BY)));
        expect(rows).toEqual(expected.map((total, level) => ({ level, total, gaps: 0 })));
      }),
      { numRuns: 12 },
    );
  });

  it('answers a long series in a bounded number of buckets that lose no extreme', async () => {
    const run = await newRun();
    const points = rising(150_000).map((point, at) => (at === 77_777 ? { ...point, value: 1e9 } : at === 99 ? { ...point, value: NaN } : point));
    await append(run, points.slice(0, 140_001));
    for (let at = 140_001; at < points.length; at += 500) await append(run, points.slice(at, at + 500));
    const row = await series(run, 'loss');
    expect(row).toMatchObject({ points: 150_000, nan_points: 1, last_step: 149_999, last_value: points.at(-1)?.value, max_value: 1e9, max_step: 77_777 });
    for (const maxPoints of [1, 10, 500, 3_000, 200_000]) {
      const buckets = await readSeries(database().db, run.tenant, row, { maxPoints });
      expect(buckets.length).toBeLessThanOrEqual(maxPoints);
      expect(buckets.length).toBeGreaterThan(maxPoints === 200_000 ? 149_999 : maxPoints / 3);
      expect(buckets.reduce((sum, bucket) => sum + bucket.points, 0)).toBe(150_000);
      expect(buckets.filter(({ max }) => max === 1e9)).toHaveLength(1);
      expect(buckets.at(-1)?.last).toBe(points.at(-1)?.value);
    }
    const part = await readSeries(database().db, run.tenant, row, { maxPoints: 1_000, from: 1_000, to: 1_010 });
    expect(part.map(({ firstStep }) => firstStep)).toEqual(Array.from({ length: 11 }, (_, at) => 1_000 + at));
  });

  it('takes steps in any order, NaN and infinities', async () => {
    const run = await newRun();
    const values = [3, NaN, -Infinity, Infinity, 1];
    await append(
      run,
      values.map((value, at) => ({ series: 'loss', step: 10 - at, at: 1_000 + at, value })),
    );
    expect(await series(run, 'loss')).toMatchObject({ nan_points: 1, first_step: 6, last_step: 10, last_value: 3, min_value: -Infinity, max_value: Infinity });
    expect((await allPoints(run, 'loss')).map(({ value }) => value)).toEqual(values);
    const chart = await readSeries(database().db, run.tenant, await series(run, 'loss'), { maxPoints: 100 });
    expect(chart.map(({ last }) => last)).toEqual(values.toReversed());
    await append(run, [{ series: 'only NaN', step: 0, at: 0, value: NaN }]);
    expect(await series(run, 'only NaN')).toMatchObject({ last_value: NaN, min_value: null, max_value: null });
  });

  it('stores a request that is sent twice once', async () => {
    const run = await newRun();
    const zero = Array.from({ length: 100 }, (_, at) => ({ series: 'loss', step: 0, at: 1_000 + (at >> 1), value: at }));
    for (const point of zero) expect(await append(run, [point])).toEqual({ stored: 1, dropped: 0 });
    expect(await append(run, [...zero, ...zero])).toEqual({ stored: 0, dropped: 0 });
    expect(await append(run, [{ series: 'loss', step: 0, at: 1_000, value: NaN }])).toMatchObject({ stored: 1 });
    expect(await append(run, [{ series: 'loss', step: 0, at: 1_000, value: NaN }])).toMatchObject({ stored: 0 });
    expect((await series(run, 'loss')).points).toBe(101);
  });

  it('gives a name of a request to the request, and keeps series of files beside it', async () => {
    const run = await newRun();
    const from = (origin: AppendAsk['origin']) => append(run, [{ series: 'loss', step: 1, at: 1, value: origin.length }], { origin, beyondLimits: 'count' });
    await from('events/train');
    await from('events/validation');
    await from('events/train');
    await from('api');
    const { rows } = await sql<{ name: string; origin: string; points: number }>`
      select name, origin, points from metric_series where run_id = ${run.run} order by origin`.execute(database().db);
    expect(rows).toEqual([
      { name: 'loss', origin: 'api', points: 1 },
      { name: expect.stringMatching(/^train\/loss #/), origin: 'events/train', points: 2 },
      { name: 'validation/loss', origin: 'events/validation', points: 1 },
    ]);
  });

  it('refuses a request beyond the limit of series whole, and counts what a file has beyond it', async () => {
    const run = await newRun();
    const many = (count: number, letter: string): Points => Array.from({ length: count }, (_, at) => ({ series: `${letter}${at}`, step: 0, at: 0, value: at }));
    await append(run, many(SERIES_PER_RUN_LIMIT - 1, 'a'));
    await expect(append(run, many(2, 'b'))).rejects.toMatchObject({ code: 'metrics-limit' });
    expect(await append(run, many(5, 'c'), { origin: 'jsonl', beyondLimits: 'count' })).toEqual({ stored: 1, dropped: 4 });
    const held = await database().db.selectFrom('metric_runs').selectAll().where('run_id', '=', run.run).executeTakeFirstOrThrow();
    expect(held).toMatchObject({ series: SERIES_PER_RUN_LIMIT, points: SERIES_PER_RUN_LIMIT, dropped_points: 4 });
  });

  it('adds from many at once without loss', async () => {
    const run = await newRun();
    const twentyFrom = (start: number) => Promise.all(Array.from({ length: 20 }, (_, at) => append(run, rising(30, start + at * 30))));
    // The first of them make the series; those after them find it.
    await twentyFrom(0);
    await twentyFrom(600);
    const chart = await readSeries(database().db, run.tenant, await series(run, 'loss'), { maxPoints: 2_000 });
    expect(chart.map(({ firstStep }) => firstStep)).toEqual(Array.from({ length: 1_200 }, (_, at) => at));
    const held = await database().db.selectFrom('metric_runs').selectAll().where('run_id', '=', run.run).executeTakeFirstOrThrow();
    expect(held).toMatchObject({ series: 1, points: 1_200 });
  });

  it('keeps tenants apart, and goes with its run', async () => {
    const [mine, theirs] = [await newRun(), await newRun()];
    await append(mine, rising(5_000));
    await inTransaction((tx) => setParameters(tx, mine.tenant, mine.run, [{ name: 'lr', value: '0.1' }]));
    const foreign = { tenant: theirs.tenant, run: mine.run };
    await expect(append(foreign, rising(1))).rejects.toMatchObject({ code: 'not-found' });
    await expect(append({ tenant: theirs.tenant, run: crypto.randomUUID() as never }, rising(1))).rejects.toMatchObject({ code: 'not-found' });
    expect(await findSeries(database().db, theirs.tenant, [mine.run], ['loss'])).toEqual([]);
    expect(await selectLatest(database().db, theirs.tenant, [mine.run], 10)).toEqual([]);
    expect(await readParameters(database().db, theirs.tenant, [mine.run])).toEqual([]);
    const row = await series(mine, 'loss');
    expect(await readSeries(database().db, theirs.tenant, row, { maxPoints: 10 })).toEqual([]);
    expect(await readPointsFrom(database().db, theirs.tenant, row.id, { offset: 0, limit: 10 })).toEqual([]);
    await database().db.deleteFrom('runs').where('id', '=', mine.run).execute();
    const { rows } = await sql`select 1 from metric_chunks where series_id = ${row.id}`.execute(database().db);
    expect(rows).toEqual([]);
  });

  it('sets a parameter once', async () => {
    const { tenant, run } = await newRun();
    const set = (parameters: { name: string; value: string }[]) => inTransaction((tx) => setParameters(tx, tenant, run, parameters));
    expect(
      await set([
        { name: 'lr', value: '1e-3' },
        { name: 'optimizer', value: 'adam' },
      ]),
    ).toEqual([]);
    expect(
      await set([
        { name: 'lr', value: '1e-3' },
        { name: 'optimizer', value: 'sgd' },
      ]),
    ).toEqual([{ name: 'optimizer', value: 'sgd', present: 'adam' }]);
    const numbers = await database().db.selectFrom('run_parameters').select(['name', 'value', 'number']).where('run_id', '=', run).orderBy('name').execute();
    expect(numbers).toEqual([
      { name: 'lr', value: '1e-3', number: 0.001 },
      { name: 'optimizer', value: 'adam', number: null },
    ]);
  });
});

import type { Caller } from '#kit/http/access.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { findSeries, type NewPoint, readParameters, readPointsFrom } from '#metrics/metrics.ts';
import { appendPoints } from '#metrics/append-points.ts';
import { PARAMETERS_PER_RUN_LIMIT } from '#metrics/metric-limits.ts';
import { type InsertedRun, insertRun } from '#metrics/testing/insert-run.ts';
import { makeLogger, type Said } from '#mlflow/log-together.ts';
import { hideRun, findTrackableRun } from '#tracking/tracking.ts';
import { newId } from '#kit/ids.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import fc from 'fast-check';
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';

const person: Caller = { user: newId<UserId>(), name: 'mina', systemAdmin: false, onlyTenant: null, attempt: null, session: null, token: null };
const NOTHING: Said = { points: [], parameters: [], labels: [] };
const point = (series: string, step: number, value = step): NewPoint => ({ series, step, at: 1_700_000_000_000 + step, value });

describe('what is logged at the same time', () => {
  const database = useTestDatabase();
  const db = () => database().db;
  const held: { log?: ReturnType<typeof makeLogger> } = {};
  beforeAll(() => {
    held.log = makeLogger({ db: db() });
  });
  const log = (of: InsertedRun, said: Partial<Said>, tenant = of.tenant): Promise<void> =>
    (held.log as ReturnType<typeof makeLogger>)({ caller: person, tenant, run: { run_id: of.run, run_uuid: '' }, said: { ...NOTHING, ...said } });
  const newRuns = async (count: number): Promise<InsertedRun[]> => {
    const first = await insertRun(db(), new Date());
    return [first, ...(await Promise.all(Array.from({ length: count - 1 }, () => insertRun(db(), new Date(), { tenant: first.tenant }))))];
  };
  const pointsOf = async (of: InsertedRun, name: string) => {
    const [series] = await findSeries(db(), of.tenant, [of.run], [name]);
    return series === undefined ? [] : readPointsFrom(db(), of.tenant, series.id, { offset: 0, limit: 1e9 });
  };
  const stepsOf = async (of: InsertedRun, name: string) => (await pointsOf(of, name)).map(({ step }) => step);
  const labelsOf = async (of: InsertedRun) =>
    Object.fromEntries(
      (await db().selectFrom('run_labels').select(['name', 'value']).where('tenant_id', '=', of.tenant).where('run_id', '=', of.run).execute()).map(
        ({ name, value }) => [name, value],
      ),
    );
  const parametersOf = async (of: InsertedRun) => Object.fromEntries((await readParameters(db(), of.tenant, [of.run])).map(({ name, value }) => [name, value]));
  const outcomes = async (all: readonly Promise<unknown>[]): Promise<readonly string[]> =>
    (await Promise.allSettled(all)).map((result) => (result.status === 'fulfilled' ? 'stored' : isSodateError(result.reason) ? result.reason.code : 'failed'));
  /** A transaction leaves its number with each row that it wrote. */
  const transactions = async (table: 'run_labels' | 'metric_runs', of: readonly InsertedRun[]): Promise<number> => {
    const { rows } = await sql<{ count: number }>`
      select count(distinct xmin::text)::int as count from ${sql.table(table)} where run_id = any(${of.map(({ run }) => run)}::uuid[])`.execute(db());
    return rows[0]?.count ?? 0;
  };

  it('is one transaction for many runs, new ones and those that have series, with nothing lost or mixed up', async () => {
    const runs = await newRuns(12);
    await Promise.all(runs.slice(0, 6).map((run, at) => log(run, { points: [point('loss', 0, at)] })));
    await Promise.all(
      runs.map((run, at) =>
        log(run, {
          points: [point('loss', 1, at), point('accuracy', 1, -at)],
          parameters: [{ name: 'rate', value: String(at) }],
          labels: [{ name: 'team', value: `team ${at}` }],
        }),
      ),
    );
    expect(await transactions('metric_runs', runs)).toBe(1);
    expect(await transactions('run_labels', runs)).toBe(1);
    for (const [at, run] of runs.entries()) {
      expect((await pointsOf(run, 'loss')).map(({ value }) => value)).toEqual(at < 6 ? [at, at] : [at]);
      expect((await pointsOf(run, 'accuracy')).map(({ value }) => value)).toEqual([-at]);
      expect(await parametersOf(run)).toEqual({ rate: String(at) });
      expect(await labelsOf(run)).toEqual({ team: `team ${at}` });
      const counts = await db().selectFrom('metric_runs').select(['series', 'points']).where('run_id', '=', run.run).executeTakeFirst();
      expect(counts).toEqual({ series: 2, points: at < 6 ? 3 : 2 });
    }
  });

  it('keeps every point of one run, in the order of those that said it one after the other', async () => {
    const [run] = (await newRuns(1)) as [InsertedRun];
    // Four senders, each waiting for its answer: beyond 32 pieces they are merged.
    await Promise.all(
      [0, 1, 2, 3].map(async (sender) => {
        for (let step = 0; step < 60; step += 1) await log(run, { points: [point('loss', step, sender)] });
      }),
    );
    const found = await pointsOf(run, 'loss');
    for (const sender of [0, 1, 2, 3])
      expect(found.filter(({ value }) => value === sender).map(({ step }) => step)).toEqual(Array.from({ length: 60 }, (_, step) => step));
    expect(found).toHaveLength(240);
    const [series] = await findSeries(db(), run.tenant, [run.run], ['loss']);
    expect(series).toMatchObject({ points: 240, first_step: 0, last_step: 59, min_value: 0, max_value: 3 });
  });

  it('comes to what it would be one after the other, whatever is said', async () => {
    const said = fc.record({ run: fc.nat({ max: 2 }), name: fc.constantFrom('a', 'b'), sizes: fc.array(fc.nat({ max: 40 }), { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(said, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 }), async (groups) => {
        const runs = await newRuns(3);
        const expected = new Map<string, number[]>();
        let step = 0;
        for (const group of groups)
          await Promise.all(
            group.flatMap(({ run, name, sizes }) =>
              sizes.map((size) => {
                const steps = Array.from({ length: size }, () => (step += 1));
                expected.set(`${run} ${name}`, [...(expected.get(`${run} ${name}`) ?? []), ...steps]);
                return log(runs[run] as InsertedRun, { points: steps.map((each) => point(name, each)) });
              }),
            ),
          );
        for (const [at, run] of runs.entries()) for (const name of ['a', 'b']) expect(await stepsOf(run, name)).toEqual(expected.get(`${at} ${name}`) ?? []);
      }),
      { numRuns: 12 },
    );
  });

  it('is stored once when it is said twice', async () => {
    const [run] = (await newRuns(1)) as [InsertedRun];
    await Promise.all([1, 2, 3].map(() => log(run, { points: [point('loss', 5)], parameters: [{ name: 'a', value: 'b' }] })));
    await log(run, { points: [point('loss', 5), point('loss', 4)] });
    expect(await stepsOf(run, 'loss')).toEqual([5, 4]);
    expect(await parametersOf(run)).toEqual({ a: 'b' });
  });

  it('is refused where it is wrong, and hurts no other', async () => {
    const runs = await newRuns(7);
    const [good, hidden, set, full, changed, twice, last] = runs as [InsertedRun, InsertedRun, InsertedRun, InsertedRun, InsertedRun, InsertedRun, InsertedRun];
    const [foreign] = (await newRuns(1)) as [InsertedRun];
    await hideRun(db(), hidden.tenant, await findTrackableRun(db(), hidden.tenant, hidden.run), new Date());
    await log(set, { parameters: [{ name: 'rate', value: '1' }] });
    await log(changed, { parameters: [{ name: 'rate', value: '1' }] });
    await log(full, { parameters: Array.from({ length: PARAMETERS_PER_RUN_LIMIT - 1 }, (_, at) => ({ name: `p${at}`, value: '' })) });
    const points = [point('loss', 1)];
    const all = await outcomes([
      log(good, { points, labels: [{ name: 'a', value: 'b' }] }),
      log(hidden, { points }),
      log(foreign, { points }, good.tenant),
      log(set, { points, parameters: [{ name: 'rate', value: '1' }] }),
      log(changed, { points, parameters: [{ name: 'rate', value: '2' }], labels: [{ name: 'a', value: 'b' }] }),
      log(changed, { points: [point('loss', 2)] }),
      log(full, { points, parameters: ['x', 'y'].map((name) => ({ name, value: '' })) }),
      log({ ...good, run: newId() }, { points }),
      log(twice, { points: [{ series: 'loss', step: 2 ** 53, at: 1, value: 1 }] }),
      log(twice, { points }),
      log(last, { points }),
    ]);
    expect(all).toEqual([
      'stored',
      'wrong-state',
      'not-found',
      'stored',
      'invalid-request',
      'stored',
      'metrics-limit',
      'not-found',
      'invalid-request',
      'stored',
      'stored',
    ]);
    for (const run of [good, set, twice, last]) expect(await stepsOf(run, 'loss')).toEqual([1]);
    for (const run of [hidden, foreign, full]) expect(await stepsOf(run, 'loss')).toEqual([]);
    expect(await stepsOf(changed, 'loss')).toEqual([2]);
    expect(await parametersOf(changed)).toEqual({ rate: '1' });
    expect([await labelsOf(good), await labelsOf(changed)]).toEqual([{ a: 'b' }, {}]);
    expect(Object.keys(await parametersOf(full))).toHaveLength(PARAMETERS_PER_RUN_LIMIT - 1);
  });

  it('takes a name that a series of a file has, and stores what came with it', async () => {
    const runs = (await newRuns(3)) as [InsertedRun, InsertedRun, InsertedRun];
    await db()
      .transaction()
      .execute((tx) => appendPoints(tx, { ...runs[0], origin: 'jsonl', beyondLimits: 'count', points: [point('loss', 9)] }));
    await Promise.all(runs.map((run) => log(run, { points: [point('loss', 1)] })));
    for (const run of runs) expect(await stepsOf(run, 'loss')).toEqual([1]);
    const names = await db().selectFrom('metric_series').select(['origin', 'name']).where('run_id', '=', runs[0].run).orderBy('origin').execute();
    expect(names).toEqual([
      { origin: 'api', name: 'loss' },
      { origin: 'jsonl', name: expect.stringMatching(/^metrics\.jsonl\/loss/) },
    ]);
  });

  it('does not wait for a run that somebody holds, and neither does another tenant', async () => {
    const [mine, busy] = (await newRuns(2)) as [InsertedRun, InsertedRun];
    await Promise.all([mine, busy].map((run) => log(run, { points: [point('loss', 0)] })));
    const client = await database().pool.connect();
    try {
      await client.query('begin');
      await client.query('select from metric_runs where run_id = $1 for update', [busy.run]);
      let waiting = true;
      const late = log(busy, { points: [point('loss', 1)] }).finally(() => (waiting = false));
      await log(mine, { points: [point('loss', 1)] });
      await log(mine, { points: [point('loss', 2)] });
      expect([await stepsOf(mine, 'loss'), await stepsOf(busy, 'loss'), waiting]).toEqual([[0, 1, 2], [0], true]);
      await client.query('commit');
      await late;
      expect(await stepsOf(busy, 'loss')).toEqual([0, 1]);
    } finally {
      client.release();
    }
  });

  it('is not answered, and not there, when the connection is cut before the commit', async () => {
    const runs = await newRuns(3);
    const [first] = runs as [InsertedRun];
    await Promise.all(runs.map((run) => log(run, { labels: [{ name: 'a', value: '0' }] })));
    const client = await database().pool.connect();
    try {
      // Holds the group in the middle of its statement.
      await client.query('begin');
      await client.query('update run_labels set value = value where run_id = $1', [first.run]);
      const all = outcomes(runs.map((run) => log(run, { points: [point('loss', 1)], labels: [{ name: 'a', value: '1' }] })));
      const cut = async (): Promise<number | null> =>
        (
          await database().pool.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()`,
          )
        ).rowCount;
      while ((await cut()) === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(await all).toEqual(['failed', 'failed', 'failed']);
      await client.query('rollback');
    } finally {
      client.release();
    }
    for (const run of runs) expect([await stepsOf(run, 'loss'), await labelsOf(run)]).toEqual([[], { a: '0' }]);
    await Promise.all(runs.map((run) => log(run, { points: [point('loss', 1)] })));
    for (const run of runs) expect(await stepsOf(run, 'loss')).toEqual([1]);
  });
});

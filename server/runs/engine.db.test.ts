import type { Database } from '#kit/db/open-database.ts';
import type { DB } from '#kit/db/tables.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { holdsReconcilerLease, takeReconcilerLease } from '#kit/reconcilers/reconciler-lease.ts';
import { claimRuns, releaseClaims, renewClaims } from '#runs/claim-runs.ts';
import { deleteRun } from '#runs/delete-run.ts';
import { explainWaiting } from '#runs/explain-waiting.ts';
import { findRun } from '#runs/find-run.ts';
import { launchRun } from '#runs/launch-run.ts';
import { moveRun } from '#runs/move-run.ts';
import { readHeads } from '#runs/read-heads.ts';
import { type Bench, openBench } from '#runs/simulation/engine-bench.ts';
import { stopRun } from '#runs/stop-run.ts';
import { newId } from '#kit/ids.ts';
import { EngineUnreachable } from '#executors/executor.ts';
import { AttemptId, type RunId } from '@sodate/contract/ids.ts';
import { runWords } from '@sodate/contract/run-words.ts';
import { type CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';

const database = useTestDatabase(16);
const bench = { it: undefined as unknown as Bench };
beforeEach(async () => {
  bench.it = await openBench(database().db);
});

const stop = async (run: RunId, graceSeconds = 0): Promise<void> =>
  stopRun(bench.it.db, bench.it.clock, await findRun(bench.it.db, bench.it.tenant, run), graceSeconds);

describe('a queue of 100,000', () => {
  it('costs a scheduling pass no more pages than one of 1,000', { timeout: 300_000 }, async () => {
    const { db, addNode, addTenant } = bench.it;
    await addNode({ cpuMilli: 2000 });
    const tenants = [await addTenant(), await addTenant()];
    const scheduler = newId<string>();
    const user = await db.selectFrom('users').select('id').executeTakeFirstOrThrow();
    const fill = async (count: number): Promise<void> => {
      for (const tenant of tenants) {
        await sql`
          insert into runs (tenant_id, id, kind, number, name, memo, tags, state, request, warnings, image, cpu_milli, memory_bytes, gpus, priority, shape, retries, created_by, created_at, queued_at, due_at)
          select ${tenant}, gen_random_uuid(), 'task', nextval('number_task'), 'a run', '', '{}', 'queued', '{}', '[]', 'host', 4000, 1, 0, n % 3, 'shape ' || n % 5, '{}', ${user.id},
            ${bench.it.clock.now()}::timestamptz, ${bench.it.clock.now()}::timestamptz + n * interval '1 ms', ${bench.it.clock.now()}::timestamptz
          from generate_series(1, ${count}::int) n`.execute(db);
      }
      await sql`vacuum analyze runs`.execute(db);
      bench.it.clock.advance(1000);
    };
    await fill(500);
    const few = await pagesOfAPass(db, scheduler);
    await fill(49_500);
    const many = await pagesOfAPass(db, scheduler);
    expect(few.pages).toBeGreaterThan(0);
    expect(few.statements).toEqual(many.statements);
    // The index is one level higher, and its pages are less filled in order; a look at the whole queue would be thousands.
    expect(many.pages).toBeLessThan(2 * few.pages + 100);
    const { count } = await db
      .selectFrom('runs')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('state', '=', 'queued')
      .executeTakeFirstOrThrow();
    expect(count).toBe(100_000);
  });

  /** The pages of its cache that PostgreSQL touches for what a pass and a look at one run's wait read. */
  async function pagesOfAPass(db: Database, scheduler: string): Promise<{ pages: number; statements: number }> {
    const queries: CompiledQuery[] = [];
    const watched = new Kysely<DB>({ dialect: new PostgresDialect({ pool: database().pool }), log: ({ query }) => void queries.push(query) });
    const server = bench.it.server({ db: watched, server: scheduler });
    await server.schedule();
    await server.drive();
    const { id, tenant_id: tenant } = await db.selectFrom('runs').select(['id', 'tenant_id']).orderBy('queued_at', 'desc').limit(1).executeTakeFirstOrThrow();
    await explainWaiting(watched, tenant as never, id);
    const reads = queries.filter((query) => /^\s*(select|with recursive|with due)/i.test(query.sql));
    expect(reads.length).toBeGreaterThanOrEqual(6);
    let pages = 0;
    for (const query of reads) {
      const { rows } = await database().pool.query(`explain (analyze, buffers, format json) ${query.sql}`, [...query.parameters]);
      const plan = (rows[0] as { 'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }] })['QUERY PLAN'][0].Plan;
      pages += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    }
    return { pages, statements: reads.length };
  }
});

describe('why a run waits', () => {
  const reasonOf = async (run: RunId, tenant = bench.it.tenant) => explainWaiting(bench.it.db, tenant, run);

  it('turn: how many of its kind of request come first', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const [first, second, urgent] = [await bench.it.submit(), await bench.it.submit(), await bench.it.submit({ priority: 5 })];
    expect(await reasonOf(first)).toMatchObject({ reason: 'turn', ahead: 1 });
    expect(await reasonOf(second)).toMatchObject({ reason: 'turn', ahead: 2 });
    expect(await reasonOf(urgent)).toMatchObject({ reason: 'turn', ahead: 0, message: 'It is next.' });
  });

  it('capacity, quota, never-fits, no-node, each with its limit and who holds it', async () => {
    await bench.it.addNode({ cpuMilli: 4000 });
    const limited = await bench.it.addTenant(1000);
    const server = bench.it.server();
    const holder = await bench.it.submit({ tenant: limited });
    await server.schedule();
    expect((await bench.it.read(holder)).state).toBe('starting');
    const overQuota = await bench.it.submit({ tenant: limited });
    const tooMuchNow = await bench.it.submit({ cpu: 4 });
    const tooLarge = await bench.it.submit({ cpu: 8 });
    const noImage = await bench.it.submit({ image: 'other' });
    const noPartition = await bench.it.submit({ partition: 'nowhere' });
    await server.schedule();
    const { number } = await bench.it.db.selectFrom('runs').select('number').where('id', '=', holder).executeTakeFirstOrThrow();
    expect(await reasonOf(overQuota, limited)).toMatchObject({ reason: 'quota', limit: { cpu: 1 }, heldBy: [`task-${number}`] });
    // What other tenants hold stays their own business.
    expect(await reasonOf(tooMuchNow)).toMatchObject({ reason: 'capacity', limit: { cpu: 4 }, heldBy: [] });
    expect(await reasonOf(tooLarge)).toMatchObject({ reason: 'never-fits', limit: { cpu: 4 } });
    expect(await reasonOf(noImage)).toMatchObject({ reason: 'no-node', limit: null });
    expect((await reasonOf(noPartition))?.message).toContain('nowhere');
    expect(await reasonOf(holder, limited)).toBeNull();
  });

  it('turn: an older run of the tenant is waited for', async () => {
    await bench.it.addNode({ cpuMilli: 8000 });
    const limited = await bench.it.addTenant(2000);
    const server = bench.it.server({ limits: { reserveAfterMs: 60_000 } });
    await bench.it.submit({ tenant: limited });
    await server.schedule();
    const large = await bench.it.submit({ tenant: limited, cpu: 2 });
    bench.it.clock.advance(61_000);
    const small = await bench.it.submit({ tenant: limited, cpu: 0.5 });
    await server.schedule();
    expect(await reasonOf(large, limited)).toMatchObject({ reason: 'quota' });
    expect(await reasonOf(small, limited)).toMatchObject({ reason: 'turn', message: expect.stringContaining('goes first') });
  });

  it('is forgotten when it is over, also by a server that had the lease before', async () => {
    const server = bench.it.server();
    const other = bench.it.server();
    const [run, later] = [await bench.it.submit(), await bench.it.submit({ cpu: 2 })];
    await server.schedule();
    expect(await reasonOf(run)).toMatchObject({ reason: 'no-node' });
    bench.it.clock.advance(60_000);
    await stop(run);
    await other.schedule();
    expect(await bench.it.db.selectFrom('queue_blockers').selectAll().execute()).toHaveLength(1);
    bench.it.clock.advance(60_000);
    await bench.it.submit();
    await server.schedule();
    expect(await bench.it.db.selectFrom('queue_blockers').selectAll().execute()).toHaveLength(2);
    expect(await reasonOf(later)).toMatchObject({ reason: 'no-node' });
  });

  it('is written for all groups when a pass sees only a stretch of them, and a group without heads ends no round', async () => {
    const server = bench.it.server({ limits: { queueGroups: 2 } });
    const runs = [
      await bench.it.submit({ cpu: 1 }),
      await bench.it.submit({ cpu: 2 }),
      await bench.it.submit({ cpu: 3 }),
      await bench.it.submit({ cpu: 4 }),
      await bench.it.submit({ cpu: 5 }),
    ];
    // The first group only waits for another try.
    await bench.it.db
      .updateTable('runs')
      .set({ due_at: new Date(bench.it.clock.now().getTime() + 5000) })
      .where('id', '=', runs[0] ?? '')
      .execute();
    const seen = new Set<string>();
    let after = null;
    for (let stretch = 0; stretch < 3; stretch += 1) {
      const heads = await readHeads(bench.it.db, { now: bench.it.clock.now(), groups: 2, perGroup: 4, after });
      for (const head of heads.rows) seen.add(head.run);
      after = heads.next;
    }
    expect(after).toBeNull();
    expect(seen).toEqual(new Set(runs.slice(1)));
    for (let pass = 0; pass < 3; pass += 1) await server.schedule();
    for (const run of runs.slice(1)) expect(await reasonOf(run)).toMatchObject({ reason: 'no-node' });
  });
});

describe('a stop, in each state', () => {
  it('queued: cancelled at once, without an attempt', async () => {
    const run = await bench.it.submit();
    await stop(run);
    expect(await bench.it.read(run)).toMatchObject({ state: 'cancelled', attempt: 0 });
  });

  it('starting: as soon as it has started', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const server = bench.it.server();
    const run = await bench.it.submit();
    await server.schedule();
    await stop(run);
    expect(await bench.it.read(run)).toMatchObject({ state: 'starting', stop_reason: 'asked' });
    await server.until(run, 'cancelled');
    expect(bench.it.engine.live()).toEqual([]);
  });

  it('starting, while the start is under way: given up, and never run', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const gate = { open: (): void => {} };
    const opened = new Promise<void>((resolve) => void (gate.open = resolve));
    const server = bench.it.server({ faults: (point) => (point === 'start:staged' ? opened : undefined) });
    const run = await bench.it.submit();
    await server.schedule();
    const driving = server.drive();
    await stop(run);
    server.hintRun(run);
    await server.pass();
    gate.open();
    await driving;
    // No time passes: it is the hint that brings the news, not the next renewal of the claim.
    for (let pass = 0; pass < 8; pass += 1) await server.drive();
    const { attempt_id: attempt } = await bench.it.db.selectFrom('runs').select('attempt_id').where('id', '=', run).executeTakeFirstOrThrow();
    expect((await bench.it.read(run)).state).toBe('cancelled');
    expect(bench.it.engine.timesStarted(AttemptId.parse(attempt))).toBe(0);
  });

  it('starting, and found running by the next server: it gets its grace', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const run = await bench.it.submit({ script: { terminateMs: null } });
    // The first server dies between the engine's start and its record.
    const first = bench.it.server({ faults: (point) => (point === 'start:after' ? new Promise<void>(() => {}) : undefined) });
    await first.schedule();
    void first.drive();
    await expect.poll(() => bench.it.engine.live().length).toBe(1);
    await stop(run, 30);
    await releaseClaims(bench.it.db, first.id);
    const second = bench.it.server({ server: first.id });
    await second.until(run, 'stopping');
    const before = bench.it.clock.now().getTime();
    await second.until(run, 'cancelled');
    expect(bench.it.clock.now().getTime() - before).toBeGreaterThanOrEqual(29_000);
  });

  it('running, and the server is away for longer than the grace: it counts from when the job is told', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const first = bench.it.server();
    const run = await bench.it.submit({ script: { terminateMs: 5000 } });
    await first.until(run, 'running');
    await stop(run, 10);
    bench.it.clock.advance(600_000);
    await bench.it.server().until(run, 'cancelled');
    // It ended in its own way, and was not killed.
    expect(await bench.it.db.selectFrom('attempts').select(['exit_code', 'signal']).where('run_id', '=', run).execute()).toEqual([
      { exit_code: null, signal: 'SIGTERM' },
    ]);
  });

  it.each([
    ['terminates it', { terminateMs: 0 }, 60],
    ['kills it after the grace', { terminateMs: null }, 5],
    ['kills it at once without a grace', { terminateMs: null }, 0],
  ] as const)('running: %s', async (_, script, grace) => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const server = bench.it.server();
    const run = await bench.it.submit({ script });
    await server.until(run, 'running');
    const before = bench.it.clock.now().getTime();
    await stop(run, grace);
    await stop(run, grace);
    expect((await bench.it.read(run)).state).toBe('stopping');
    await server.until(run, 'cancelled');
    const took = bench.it.clock.now().getTime() - before;
    expect(took >= (script.terminateMs === null ? grace * 1000 : 0) && took < grace * 1000 + 20_000).toBe(true);
    expect(await bench.it.read(run)).toMatchObject({ attempt: 1, failure_class: null });
  });

  it('finishing after a loss: it is not tried again', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    let stopped = false;
    const run = await bench.it.submit({ script: { vanishes: true, runMs: 500 } });
    // The stop comes in the middle of the end's work, after the run was read for it.
    const server = bench.it.server({
      faults: async (point) => {
        if (point !== 'remove:before' || stopped) return;
        stopped = true;
        await stop(run);
      },
    });
    await server.until(run, 'cancelled', 'failed', 'succeeded');
    expect(stopped).toBe(true);
    expect(await bench.it.read(run)).toMatchObject({ state: 'cancelled', attempt: 1, failure_class: null, failures: ['node-lost'] });
  });

  it('finishing after a success: it stays a success', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const run = await bench.it.submit({ script: { runMs: 500 } });
    const server = bench.it.server({ faults: (point) => (point === 'remove:before' ? stop(run) : undefined) });
    await server.until(run, 'cancelled', 'failed', 'succeeded');
    expect(await bench.it.read(run)).toMatchObject({ state: 'succeeded', stop_reason: null });
  });

  it("queued for another try: cancelled, and the failure of the try is not the run's", async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const server = bench.it.server({ limits: { retryDelayMs: 100_000 } });
    const run = await bench.it.submit({ script: { vanishes: true, runMs: 500 } });
    await server.until(run, 'running');
    await server.until(run, 'queued');
    expect(await bench.it.read(run)).toMatchObject({ attempt: 1, retries: { 'node-lost': 1 } });
    await stop(run);
    expect(await bench.it.read(run)).toMatchObject({ state: 'cancelled', failure_class: null, failures: ['node-lost'] });
  });

  it.each(['succeeded', 'failed', 'cancelled'] as const)('%s: nothing changes', async (end) => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const server = bench.it.server();
    const run = await bench.it.submit({ script: { runMs: end === 'cancelled' ? null : 500, exitCode: end === 'failed' ? 1 : 0 } });
    await server.until(run, 'running');
    if (end === 'cancelled') await stop(run);
    await server.until(run, end);
    const before = await bench.it.read(run);
    await stop(run);
    expect(await bench.it.read(run)).toEqual(before);
  });
});

describe('deleting', () => {
  it('is refused while it lives, in each state, and done when it has ended', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const server = bench.it.server();
    const run = await bench.it.submit({ script: { terminateMs: null } });
    const remove = async (): Promise<void> => deleteRun(bench.it.db, bench.it.clock, bench.it.tenant, await findRun(bench.it.db, bench.it.tenant, run));
    const refused = async (state: string): Promise<void> => {
      expect((await bench.it.read(run)).state).toBe(state);
      await expect(remove()).rejects.toMatchObject({ code: 'wrong-state' });
    };
    await refused('queued');
    await server.schedule();
    await refused('starting');
    await server.until(run, 'running');
    await refused('running');
    await stop(run, 60);
    await refused('stopping');
    const row = await bench.it.db.selectFrom('runs').select('lease_token').where('id', '=', run).executeTakeFirstOrThrow();
    await moveRun(bench.it.db, { run, leaseToken: row.lease_token, to: 'finishing', at: bench.it.clock.now(), note: null });
    await refused('finishing');
    await server.until(run, 'cancelled');
    await remove();
    await expect(findRun(bench.it.db, bench.it.tenant, run)).rejects.toMatchObject({ code: 'not-found' });
    for (const table of ['attempts', 'run_timeline'] as const) expect(await bench.it.db.selectFrom(table).selectAll().execute()).toEqual([]);
  });
});

describe('claims', () => {
  const LEASE_MS = 30_000;
  const claim = (server: string) => claimRuns(bench.it.db, { server, executors: ['fake'], now: bench.it.clock.now(), leaseMs: LEASE_MS, limit: 10 });

  it('are held by one, lapse, and refuse whatever an earlier holder writes', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const run = await bench.it.submit();
    await bench.it.server().schedule();
    const [early, late] = [newId<string>(), newId<string>()];
    const [first] = await claim(early);
    expect(first?.id).toBe(run);
    expect(await claim(late)).toEqual([]);
    bench.it.clock.advance(LEASE_MS + 1);
    const [second] = await claim(late);
    expect(second?.lease_token).toBe((first?.lease_token ?? 0) + 1);

    const before = await bench.it.read(run);
    const move = { run, to: 'running', at: bench.it.clock.now(), note: runWords('as-written', { text: 'late' }) } as const;
    expect(await moveRun(bench.it.db, { ...move, leaseToken: first?.lease_token ?? 0, setAttempt: { phase: 'late' } })).toBeNull();
    expect(await renewClaims(bench.it.db, { server: early, runs: [run], now: bench.it.clock.now(), leaseMs: LEASE_MS })).toEqual([]);
    expect(await bench.it.read(run)).toEqual(before);
    expect(await moveRun(bench.it.db, { ...move, leaseToken: second?.lease_token ?? 0 })).not.toBeNull();
  });

  it('of a server that starts again are free at once, and of no other', async () => {
    await bench.it.addNode({ cpuMilli: 2000 });
    await bench.it.submit();
    await bench.it.server().schedule();
    const [one, other] = [newId<string>(), newId<string>()];
    expect(await claim(one)).toHaveLength(1);
    await releaseClaims(bench.it.db, other);
    expect(await claim(other)).toEqual([]);
    await releaseClaims(bench.it.db, one);
    expect(await claim(other)).toHaveLength(1);
  });

  it('a server that was still since its claim does not start what another has ended meanwhile', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const run = await bench.it.submit({ script: { runMs: 500 } });
    const [paused, other] = [bench.it.server(), bench.it.server()];
    await paused.schedule();
    const [stale] = await claim(paused.id);
    bench.it.clock.advance(LEASE_MS + 1);
    await other.until(run, 'succeeded');
    const executor = paused.parts.executors.all[0];
    if (stale === undefined || executor === undefined) throw new Error('nothing was claimed');
    expect(await launchRun(paused.parts, stale, executor, new AbortController().signal)).toEqual({ next: 'reload' });
    expect(bench.it.engine.timesStarted(stale.attempt_id as never)).toBe(1);
  });
});

describe('two servers at once', () => {
  it('place each run once, and start each attempt once', async () => {
    await bench.it.addNode({ cpuMilli: 30_000, gpus: 4 });
    const runs: RunId[] = [];
    for (let count = 0; count < 60; count += 1) runs.push(await bench.it.submit({ gpus: count % 10 === 0 ? 1 : 0, script: { runMs: 700 } }));
    const servers = [bench.it.server({ limits: { leaseMs: 2_000 } }), bench.it.server({ limits: { leaseMs: 2_000 } })];
    for (let round = 0; round < 200; round += 1) {
      await Promise.all(servers.flatMap((server) => [server.schedule(), server.drive(), server.schedule()]));
      bench.it.clock.advance(round % 7 === 0 ? 2_500 : 400);
      const { left } = await bench.it.db
        .selectFrom('runs')
        .select((select) => select.fn.countAll<number>().as('left'))
        .where('state', '!=', 'succeeded')
        .executeTakeFirstOrThrow();
      if (left === 0) break;
    }
    const attempts = await bench.it.db.selectFrom('attempts').select('id').execute();
    expect(await bench.it.db.selectFrom('runs').select('state').distinct().execute()).toEqual([{ state: 'succeeded' }]);
    expect(attempts).toHaveLength(runs.length);
    expect(attempts.map(({ id }) => bench.it.engine.timesStarted(id as never))).toEqual(runs.map(() => 1));
    expect(bench.it.errors).toEqual([]);
  });
});

describe('the lease of the scheduler', () => {
  const [one, two] = [newId<string>(), newId<string>()];
  const take = (server: string) => takeReconcilerLease(bench.it.db, { name: 'worker', server, now: bench.it.clock.now(), forMs: 10_000 });

  it("is one server's until it runs out, and its tokens never come again", async () => {
    expect(await take(one)).toBe(1);
    expect(await take(one)).toBe(1);
    expect(await take(two)).toBeNull();
    bench.it.clock.advance(10_001);
    expect(await take(two)).toBe(2);
    expect(await holdsReconcilerLease(bench.it.db, 'worker', 1)).toBe(false);
    expect(await holdsReconcilerLease(bench.it.db, 'worker', 2)).toBe(true);
    // A start of the second: the first, which was paused all the time, must not find its token good again.
    await releaseClaims(bench.it.db, two);
    expect(await take(two)).toBeGreaterThanOrEqual(2);
    expect(await holdsReconcilerLease(bench.it.db, 'worker', 1)).toBe(false);
    await releaseClaims(bench.it.db, two);
    expect(await take(one)).toBe(3);
  });

  it('keeps a server that was paused in its pass from writing', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const run = await bench.it.submit();
    const other = bench.it.server();
    const paused = bench.it.server({
      db: pausing(bench.it.db, 'from nodes n', async () => {
        bench.it.clock.advance(60_000);
        await other.schedule();
      }),
    });
    await paused.schedule();
    expect(await bench.it.read(run)).toMatchObject({ state: 'starting', attempt: 1 });
    expect(await bench.it.db.selectFrom('attempts').selectAll().execute()).toHaveLength(1);
    expect(await bench.it.db.selectFrom('run_timeline').selectAll().where('run_id', '=', run).execute()).toHaveLength(2);
  });

  /** The database, in front of which something happens once, before a certain query. */
  function pausing(db: Database, before: string, happens: () => Promise<void>): Database {
    let done = false;
    const pool = database().pool;
    return new Kysely<DB>({
      dialect: new PostgresDialect({
        pool: {
          async connect() {
            const client = await pool.connect();
            const query = client.query.bind(client) as (text: string, parameters: unknown[]) => Promise<unknown>;
            return {
              async query(text: string, parameters: readonly unknown[] = []) {
                if (!done && text.includes(before)) {
                  done = true;
                  await happens();
                }
                return query(text, [...parameters]);
              },
              release: () => client.release(),
            } as never;
          },
          end: async () => {},
        },
      }),
    });
  }
});

describe('what is no failure of a run', () => {
  it('a database that is away when the start is recorded', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const run = await bench.it.submit();
    let broken = false;
    let starts = 0;
    const failing = bench.it.db.withPlugin({
      transformQuery: ({ node }) => {
        if (broken) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const server = bench.it.server({ db: failing, faults: (point) => void (point === 'start:after' && (broken = ++starts === 1)) });
    await server.schedule();
    await server.drive();
    broken = false;
    expect(await bench.it.read(run)).toMatchObject({ state: 'starting', attempt: 1 });
    bench.it.clock.advance(1000);
    await server.until(run, 'running');
    const attempt = bench.it.engine.live()[0]?.attempt;
    expect(starts).toBe(2);
    expect(attempt !== undefined && bench.it.engine.timesStarted(attempt)).toBe(1);
  });

  it('the end of the server while it starts', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    const run = await bench.it.submit();
    const gate = { open: (): void => {} };
    const opened = new Promise<void>((resolve) => void (gate.open = resolve));
    const server = bench.it.server({
      faults: async (point) => {
        if (point !== 'start:staged') return;
        await opened;
        throw new DOMException('This operation was aborted', 'AbortError');
      },
    });
    await server.schedule();
    const driving = server.drive();
    const ending = server.end();
    gate.open();
    await Promise.all([driving, ending]);
    expect(await bench.it.read(run)).toMatchObject({ state: 'starting', retries: {} });
    expect(bench.it.errors).toEqual([]);
    await releaseClaims(bench.it.db, server.id);
    await bench.it.server({ server: server.id }).until(run, 'running');
  });

  it('an engine that is away when the attempt is to be removed', async () => {
    await bench.it.addNode({ cpuMilli: 1000 });
    let away = 3;
    const server = bench.it.server({
      faults: (point) => {
        if (point === 'remove:before' && away-- > 0) throw new EngineUnreachable('no answer');
      },
    });
    const run = await bench.it.submit({ script: { runMs: 500 } });
    await server.until(run, 'succeeded');
    expect(away).toBeLessThan(0);
    expect(bench.it.errors).toEqual([]);
  });
});

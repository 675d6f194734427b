import { makeExecutorRegistry } from '#executors/executor-registry.ts';
import { type FakeEngine, makeFakeEngine } from '#executors/fake/fake-engine.ts';
import { type FaultPoint, makeFakeExecutor } from '#executors/fake/fake-executor.ts';
import type { FakeScript } from '#executors/fake/fake-script.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import { makeRunDriver } from '#runs/drive-runs.ts';
import { ENGINE_LIMITS, type EngineLimits, type EngineParts } from '#runs/engine-parts.ts';
import { enqueueRun } from '#runs/enqueue-run.ts';
import { makeLogFollowers } from '#runs/follow-logs.ts';
import type { RunKind } from '#runs/run-kind.ts';
import { makeScheduleRuns } from '#runs/schedule-runs.ts';
import { settled } from '#runs/simulation/held-calls.ts';
import { PLATFORM } from '#runs/simulation/simulated-server.ts';
import { silentLog } from '#kit/log.ts';
import { makeVirtualClock, type VirtualClock } from '#runs/simulation/virtual-clock.ts';
import type { RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { z } from 'zod';

/** The engine's workers over a real database and a fake engine, moved by hand: for tests of one situation at a time. */
export interface Bench {
  readonly db: Database;
  readonly clock: VirtualClock;
  readonly engine: FakeEngine;
  readonly tenant: TenantId;
  readonly errors: unknown[];
  server(
    overrides?: Partial<Pick<EngineParts, 'db' | 'server'>> & {
      readonly limits?: Partial<EngineLimits>;
      readonly faults?: (point: FaultPoint) => void | Promise<void>;
    },
  ): BenchServer;
  submit(ask?: {
    readonly tenant?: TenantId;
    readonly cpu?: number;
    readonly gpus?: number;
    readonly priority?: number;
    readonly partition?: string;
    readonly image?: string;
    readonly script?: Partial<FakeScript>;
  }): Promise<RunId>;
  read(run: RunId): Promise<{
    state: string;
    attempt: number;
    failure_class: string | null;
    stop_reason: string | null;
    retries: unknown;
    phase: string | null;
    failures: readonly (string | null)[];
  }>;
  addTenant(quotaCpuMilli?: number): Promise<TenantId>;
  addNode(node: { readonly cpuMilli: number; readonly gpus?: number; readonly partition?: string; readonly images?: readonly string[] }): Promise<string>;
}

export interface BenchServer {
  readonly id: string;
  readonly parts: EngineParts;
  schedule(): Promise<'again' | 'done'>;
  /** A pass, and all the steps it began. */
  /** Without waiting for the steps that it begins. */
  pass(): Promise<unknown>;
  drive(): Promise<void>;
  hintRun(run: string): void;
  /** Passes of both until the run is in one of these states; a second of virtual time between them. */
  until(run: RunId, ...states: readonly string[]): Promise<void>;
  end(): Promise<void>;
}

const MEMORY = 1_000_000;
const ROUNDS_LIMIT = 200;

export async function openBench(db: Database): Promise<Bench> {
  await sql`truncate runs, attempts, gpu_allocations, run_timeline, queue_blockers, reconciler_leases, node_gpus, node_executors, nodes, lineage_nodes, tenants, users cascade`.execute(
    db,
  );
  const clock = makeVirtualClock(Date.UTC(2030, 0, 1));
  const user = newId<UserId>();
  await db.insertInto('users').values({ id: user, name: 'somebody', display_name: 'Somebody', created_at: clock.now() }).execute();
  const scripts = new Map<string, Partial<FakeScript>>();
  const engine = makeFakeEngine({ clock, nodes: [], script: ({ run }) => ({ runMs: null, ...scripts.get(run) }) });
  const errors: unknown[] = [];

  const addTenant = async (quotaCpuMilli?: number): Promise<TenantId> => {
    const id = newId<TenantId>();
    await db
      .insertInto('tenants')
      .values({ id, name: id, display_name: id, quota_cpu_milli: quotaCpuMilli ?? null, created_at: clock.now() })
      .execute();
    return id;
  };
  const tenant = await addTenant();
  const bench: Bench = {
    db,
    clock,
    engine,
    tenant,
    errors,
    addTenant,
    async addNode({ cpuMilli, gpus = 0, partition, images = ['host'] }) {
      const id = newId<string>();
      const at = new Date(clock.now().getTime() + 365 * 86_400_000);
      await db
        .insertInto('nodes')
        .values({ id, name: id, cpu_milli: cpuMilli, memory_bytes: MEMORY * 1000, partition: partition ?? null, seen_at: at })
        .execute();
      await db
        .insertInto('node_executors')
        .values({ node_id: id, executor: 'fake', isolation: 'sandbox', images: JSON.stringify(images), seen_at: at })
        .execute();
      for (let gpu = 0; gpu < gpus; gpu += 1)
        await db
          .insertInto('node_gpus')
          .values({ node_id: id, gpu: `gpu-${gpu}`, model: 'Fake', memory_bytes: 1 })
          .execute();
      return id;
    },
    async submit({ tenant: of = tenant, cpu = 1, gpus = 0, priority = 0, partition, image = 'host', script = {} } = {}) {
      const id = newId<RunId>();
      scripts.set(id, script);
      const submission = {
        name: 'a run',
        memo: '',
        tags: [],
        image,
        priority,
        resources: { cpu, memory: MEMORY, gpus },
        ...(partition === undefined ? {} : { partition }),
      };
      await db
        .transaction()
        .execute((tx) =>
          enqueueRun(tx, { tenant: of, id, kind: 'task', submission, request: {}, warnings: [], createdBy: user, now: clock.now(), ancestry: [] }),
        );
      return id;
    },
    async read(run) {
      const row = await db
        .selectFrom('runs')
        .leftJoin('attempts', 'attempts.id', 'runs.attempt_id')
        .select(['runs.state', 'runs.attempt', 'runs.failure_class', 'runs.stop_reason', 'runs.retries', 'attempts.phase'])
        .where('runs.id', '=', run)
        .executeTakeFirstOrThrow();
      const attempts = await db.selectFrom('attempts').select('failure_class').where('run_id', '=', run).orderBy('number').execute();
      return { ...row, failures: attempts.map(({ failure_class: failure }) => failure) };
    },
    server: (overrides = {}) => makeServer(bench, overrides),
  };
  return bench;
}

/** A test says itself which server claims what was placed. */
const NOBODY_TAKES = { room: () => 0, take: () => {}, hintPlaced: () => {} };

function makeServer(bench: Bench, overrides: NonNullable<Parameters<Bench['server']>[0]>): BenchServer {
  const { clock, engine, errors } = bench;
  const { faults } = overrides;
  const executor = makeFakeExecutor({ id: 'fake', engine, platform: PLATFORM, ...(faults && { faults: (point) => faults(point) }) });
  const kind: RunKind<object> = {
    name: 'task',
    requestSchema: z.object({}),
    toJob: () => ({ command: { kind: 'list', argv: ['true'] }, environment: {}, workingDirectory: '/', stagePlan: { items: [] }, mounts: [] }),
    finish: async () => ({ outputValue: null }),
    details: async () => ({ kind: 'task' }),
  };
  const parts: EngineParts = {
    db: overrides.db ?? bench.db,
    clock,
    log: { info: () => {}, warn: () => {}, error: (fields) => void errors.push(fields) },
    server: overrides.server ?? newId(),
    executors: makeExecutorRegistry([executor]),
    kinds: [kind as RunKind],
    changes: { publish: () => {} },
    folders: { run: () => '\0', output: () => '\0', attach: () => '\0', logFile: () => '\0' },
    attemptToken: (attempt) => attempt,
    serverUrl: () => 'http://platform.invalid',
    registryCredential: async () => null,
    logFollowers: makeLogFollowers({ clock, log: silentLog }),
    version: '0',
    limits: { ...ENGINE_LIMITS, ...overrides.limits },
  };
  const ending = new AbortController();
  const driver = makeRunDriver(parts, { wake: () => {}, freed: () => {} });
  const schedule = makeScheduleRuns(parts, NOBODY_TAKES);
  const server: BenchServer = {
    id: parts.server,
    parts,
    schedule,
    pass: () => driver.pass(ending.signal),
    async drive() {
      await driver.pass(ending.signal);
      await driver.settled();
    },
    hintRun: (run) => driver.hintRun(run),
    async until(run, ...states) {
      for (let round = 0; round < ROUNDS_LIMIT; round += 1) {
        const { state } = await bench.read(run);
        if (states.includes(state)) return;
        await schedule();
        await server.drive();
        clock.advance(1000);
        await settled();
      }
      throw new Error(`The run is ${(await bench.read(run)).state} and never ${states.join(' or ')}`);
    },
    async end() {
      ending.abort();
      await driver.settled();
    },
  };
  return server;
}

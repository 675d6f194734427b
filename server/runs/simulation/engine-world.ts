import { EngineUnreachable } from '#executors/executor.ts';
import { type FakeEngine, makeFakeEngine } from '#executors/fake/fake-engine.ts';
import type { FakeScript } from '#executors/fake/fake-script.ts';
import { type Database, type OpenDatabase } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import { enqueueRun } from '#runs/enqueue-run.ts';
import { ENGINE_LIMITS, type EngineLimits } from '#runs/engine-parts.ts';
import { findRun } from '#runs/find-run.ts';
import { type Fate, type HeldCall, type HeldCalls, InjectedFault, isInjected, makeHeldCalls, settled } from '#runs/simulation/held-calls.ts';
import { connectionLost } from '#runs/simulation/held-database.ts';
import { makeRandom, type Random } from '#runs/simulation/random.ts';
import { type SimulatedServer, startSimulatedServer, WORKERS } from '#runs/simulation/simulated-server.ts';
import { makeVirtualClock, type VirtualClock } from '#runs/simulation/virtual-clock.ts';
import { stopRun } from '#runs/stop-run.ts';
import type { FailureClass } from '@sodate/contract/failures.ts';
import type { AttemptId, RunId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface WorldNode {
  readonly id: string;
  readonly name: string;
  readonly cpuMilli: number;
  readonly gpus: number;
}

export interface WorldTenant {
  readonly id: TenantId;
  quota: { readonly cpuMilli: number | null; readonly gpus: number | null };
  /** While its quota was just lowered more may be held, and a pass that read the old one may still write. */
  lenient: { readonly passes: Set<string> } | null;
}

export interface WorldRun {
  readonly id: RunId;
  readonly name: string;
  readonly tenant: TenantId;
  readonly timeLimitSeconds: number | null;
  /** `stopRun` answered when the run was in this state and at this attempt. */
  stopAcknowledged: { readonly state: string; readonly attempt: number; readonly timeLimitOver: boolean } | null;
  deleted: boolean;
}

/** What really became of an attempt, whatever the rows say. */
export interface Truth {
  readonly script: FakeScript;
  vanished: boolean;
  /** Starts that failed for a reason nobody knows. */
  unknownErrors: number;
  /** A server that had lost its claim long ago has started it again: the one thing that no row can prevent. */
  startedLate: boolean;
}

export interface World {
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly engine: FakeEngine;
  readonly calls: HeldCalls;
  readonly limits: EngineLimits;
  readonly db: Database;
  readonly nodes: readonly WorldNode[];
  readonly tenants: readonly WorldTenant[];
  readonly runs: WorldRun[];
  readonly truths: Map<AttemptId, Truth>;
  /** By server id. */
  readonly servers: Map<string, SimulatedServer>;
  readonly trace: string[];
  /** Things that went wrong and that no injected fault explains. */
  readonly unexplained: string[];
  /** 0 = nothing fails. */
  faultRate: number;
}

const MEMORY = 1_000_000;
const START_MS = Date.UTC(2030, 0, 1);

/** An empty database with new nodes and tenants, and one or two servers about to start. */
export async function makeWorld(database: OpenDatabase, seed: number): Promise<World> {
  const random = makeRandom(seed);
  const clock = makeVirtualClock(START_MS);
  const nodes = Array.from({ length: random.between(1, 3) }, (_, index) => ({
    id: newId<string>(),
    name: `node-${index}`,
    cpuMilli: random.between(2, 6) * 1000,
    gpus: random.pick([0, 2, 4]),
  }));
  const tenants = Array.from({ length: random.between(1, 3) }, (): WorldTenant => ({ id: newId<TenantId>(), quota: randomQuota(random), lenient: null }));
  const truths = new Map<AttemptId, Truth>();
  const engine = makeFakeEngine({
    clock,
    nodes: [],
    script: ({ attempt }) => {
      const truth = truths.get(attempt) ?? { script: randomScript(random), vanished: false, unknownErrors: 0, startedLate: false };
      truths.set(attempt, truth);
      return truth.script;
    },
  });
  const world: World = {
    random,
    clock,
    engine,
    calls: makeHeldCalls(),
    limits: {
      ...ENGINE_LIMITS,
      launchesAtOnce: random.pick([1, 2, 16]),
      headsPerGroup: random.pick([1, 2, 64]),
      queueGroups: random.pick([1, 2, 4, 512]),
      reserveAfterMs: random.pick([5_000, 60_000]),
      orphanGraceMs: 20_000,
    },
    db: database.db,
    nodes,
    tenants,
    runs: [],
    truths,
    servers: new Map(),
    trace: [],
    unexplained: [],
    faultRate: random.pick([0, 0.01, 0.03, 0.08]),
  };
  await fillDatabase(world);
  const count = random.chance(0.45) ? 2 : 1;
  for (let index = 0; index < count; index += 1) startServer(world, database, newId(), `${'AB'[index]}1`);
  return world;
}

async function fillDatabase({ db, nodes, tenants, clock }: World): Promise<void> {
  const at = clock.now();
  await sql`truncate runs, attempts, gpu_allocations, run_timeline, queue_blockers, reconciler_leases, node_gpus, node_executors, nodes, lineage_nodes, tenants, users cascade`.execute(
    db,
  );
  const user = newId<UserId>();
  await db.insertInto('users').values({ id: user, name: 'somebody', display_name: 'Somebody', created_at: at }).execute();
  await db
    .insertInto('tenants')
    .values(tenants.map(({ id, quota }) => ({ id, name: id, display_name: id, quota_cpu_milli: quota.cpuMilli, quota_gpus: quota.gpus, created_at: at })))
    .execute();
  await db
    .insertInto('nodes')
    .values(nodes.map(({ id, name, cpuMilli }) => ({ id, name, cpu_milli: cpuMilli, memory_bytes: MEMORY * 1000, seen_at: at })))
    .execute();
  await db
    .insertInto('node_executors')
    .values(nodes.map(({ id }) => ({ node_id: id, executor: 'fake', isolation: 'sandbox', images: JSON.stringify(['host']), seen_at: at })))
    .execute();
  const gpus = nodes.flatMap((node) =>
    Array.from({ length: node.gpus }, (_, gpu) => ({ node_id: node.id, gpu: `gpu-${gpu}`, model: 'Fake', memory_bytes: 1 })),
  );
  if (gpus.length > 0) await db.insertInto('node_gpus').values(gpus).execute();
}

const randomQuota = (random: Random) => ({
  cpuMilli: random.chance(0.5) ? null : random.between(2, 6) * 1000,
  gpus: random.chance(0.7) ? null : random.between(0, 3),
});

const ENDS: readonly Partial<FakeScript>[] = [
  {},
  {},
  {},
  {},
  {},
  { exitCode: 1 },
  { exitCode: 3 },
  { signal: 'SIGSEGV' },
  { vanishes: true },
  { vanishes: true },
  { failure: 'out-of-memory', exitCode: 137 },
  { failure: 'preempted', exitCode: 143 },
  { refuses: 'image-pull' },
  { refuses: 'user-error' },
  { refuses: 'platform' },
];

function randomScript(random: Random): FakeScript {
  return {
    pendingMs: random.pick([0, 0, 1500]),
    runMs: random.pick([0, 300, 2000, 2000, 10_000, 40_000, null]),
    exitCode: 0,
    signal: null,
    failure: null,
    vanishes: false,
    refuses: null,
    terminateMs: random.pick([0, 0, 700, null]),
    ...random.pick(ENDS),
  };
}

export function say(world: World, what: string): void {
  world.trace.push(`${String(world.trace.length).padStart(4)}  ${((world.clock.now().getTime() - START_MS) / 1000).toFixed(2).padStart(8)} s  ${what}`);
}

function startServer(world: World, database: OpenDatabase, id: string, process: string): void {
  world.servers.set(
    id,
    startSimulatedServer(process, id, {
      pool: database.pool,
      calls: world.calls,
      clock: world.clock,
      engine: world.engine,
      limits: world.limits,
      losesHint: () => world.random.chance(0.5),
      failed(who, what, error) {
        say(world, `${who} failed in ${what}: ${error instanceof Error ? error.message : JSON.stringify(error)}`);
        if (!isInjected(error)) world.unexplained.push(`${who}: ${what}: ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}`);
      },
    }),
  );
}

/** A new process in place of one that has ended; the same server, and so the same claims. */
export async function replaceServer(world: World, database: OpenDatabase, id: string): Promise<void> {
  const old = world.servers.get(id);
  if (old === undefined) return;
  await old.die();
  startServer(world, database, id, `${old.process[0]}${Number(old.process.slice(1)) + 1}`);
}

/** Calls of servers that are not paused, in an order that does not depend on how the database happens to return rows. */
export const callsToSettle = (world: World): readonly HeldCall[] => {
  const paused = new Set([...world.servers.values()].filter((server) => server.paused).map(({ process }) => process));
  return world.calls.waiting.filter(({ owner }) => !paused.has(owner));
};

/** Lets one held call happen, or go wrong. */
export async function settleCall(world: World, database: OpenDatabase, call: HeldCall): Promise<void> {
  const fate = await chooseFate(world, call);
  say(world, `${call.owner} ${nameIds(world, call.label)}${fate.how === 'answered' ? '' : `   << ${fate.how}`}`);
  await call.settle(fate);
  if (fate.how !== 'dies-before' && fate.how !== 'dies-after') return;
  const id = [...world.servers].find(([, server]) => server.process === call.owner)?.[0];
  if (id !== undefined) await replaceServer(world, database, id);
}

async function chooseFate(world: World, { label }: HeldCall): Promise<Fate> {
  const { random } = world;
  const attempt = label.split(' ')[1] as AttemptId | undefined;
  if (label.startsWith('start:') && attempt !== undefined) await noteLateStart(world, attempt);
  if (!random.chance(world.faultRate)) return { how: 'answered' };
  const how = random.pick(['before', 'after'] as const);
  if (random.chance(0.5)) return { how: `dies-${how}` };
  if (label.startsWith('db:')) return { how: `lost-${how}`, error: connectionLost() };
  if (label.startsWith('kind:')) return { how: `lost-${how}`, error: new InjectedFault('the disk is full (injected)') };
  const truth = attempt === undefined ? undefined : world.truths.get(attempt);
  if (label.startsWith('start:') && truth !== undefined && random.chance(0.3)) {
    truth.unknownErrors += 1;
    return { how: `lost-${how}`, error: new InjectedFault('500 Internal Server Error (injected)') };
  }
  return { how: `lost-${how}`, error: new EngineUnreachable('no answer (injected)', { cause: new InjectedFault('no answer') }) };
}

/** Between a server's last look at its claim and the engine's doing there is always a moment in which it may lose it. */
async function noteLateStart(world: World, attempt: AttemptId): Promise<void> {
  const row = await world.db
    .selectFrom('attempts')
    .leftJoin('runs', 'runs.attempt_id', 'attempts.id')
    .select(['attempts.released_at', 'runs.lease_until', 'runs.state'])
    .where('attempts.id', '=', attempt)
    .executeTakeFirst();
  const truth = world.truths.get(attempt);
  if (truth !== undefined && (row === undefined || row.released_at !== null || row.state === 'finishing')) truth.startedLate = true;
}

export function nameIds(world: World, text: string): string {
  return text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => world.runs.find((run) => run.id === id)?.name ?? `…${id.slice(-6)}`);
}

export async function submit(world: World): Promise<void> {
  const { random, db, clock } = world;
  const tenant = random.pick(world.tenants);
  if (tenant === undefined) return;
  const run: WorldRun = {
    id: newId<RunId>(),
    name: `run-${world.runs.length}`,
    tenant: tenant.id,
    timeLimitSeconds: random.chance(0.15) ? random.between(1, 20) : null,
    stopAcknowledged: null,
    deleted: false,
  };
  const gpus = random.pick([0, 0, 0, 1, 2]);
  const user = await db.selectFrom('users').select('id').executeTakeFirstOrThrow();
  await db.transaction().execute((tx) =>
    enqueueRun(tx, {
      tenant: tenant.id,
      id: run.id,
      kind: 'task',
      submission: {
        name: run.name,
        memo: '',
        tags: [],
        image: 'host',
        priority: random.pick([0, 0, 0, 3]),
        resources: { cpu: random.pick([0.5, 1, 1, 2, 4]), memory: MEMORY, gpus },
        ...(run.timeLimitSeconds === null ? {} : { timeLimitSeconds: run.timeLimitSeconds }),
      },
      request: { name: run.name },
      warnings: [],
      createdBy: user.id as UserId,
      now: clock.now(),
      ancestry: [],
    }),
  );
  world.runs.push(run);
  say(world, `submit ${run.name}, ${gpus} GPUs`);
}

export async function askToStop(world: World, run: WorldRun): Promise<void> {
  const { db, clock, random } = world;
  const grace = random.pick([0, 1, 10, 60]);
  try {
    const found = await findRun(db, run.tenant, run.id);
    await stopRun(db, clock, found, grace);
    const now = await db.selectFrom('runs').select(['state', 'attempt', 'stop_reason']).where('id', '=', run.id).executeTakeFirstOrThrow();
    run.stopAcknowledged ??= { state: now.state, attempt: now.attempt, timeLimitOver: now.stop_reason === 'time-limit' };
    say(world, `stop ${run.name} within ${grace} s: ${now.state}`);
    if (random.chance(0.7)) for (const server of world.servers.values()) server.hintRun(run.id);
    await settled();
  } catch (error) {
    if (!isInjected(error)) throw error;
    say(world, `stop ${run.name}: locked`);
  }
}

export async function changeQuota(world: World, tenant: WorldTenant, quota: WorldTenant['quota']): Promise<void> {
  await world.db.updateTable('tenants').set({ quota_cpu_milli: quota.cpuMilli, quota_gpus: quota.gpus }).where('id', '=', tenant.id).execute();
  tenant.quota = quota;
  tenant.lenient = { passes: new Set([...world.servers.values()].filter(({ underWay }) => underWay.has('schedule')).map(({ process }) => process)) };
  say(world, `quota of a tenant: ${JSON.stringify(quota)}`);
}

export function vanishOne(world: World): void {
  const spec = world.random.pick(world.engine.live());
  if (spec === undefined) return;
  const truth = world.truths.get(spec.attempt);
  if (truth === undefined) return;
  truth.vanished = true;
  world.engine.vanish(spec.attempt);
  say(world, `${nameIds(world, spec.run)} vanishes`);
}

export async function setNodes(world: World, enabled: () => boolean): Promise<void> {
  for (const node of world.nodes) await world.db.updateTable('nodes').set({ enabled: enabled() }).where('id', '=', node.id).execute();
}

/** Begins passes on every server that can, in a random order. */
export function beginPasses(world: World, chance: number): void {
  for (const server of world.servers.values()) {
    if (server.paused) continue;
    for (const worker of world.random.shuffle(WORKERS)) if (world.random.chance(chance)) server.begin(worker);
  }
}

export const isRetryable = (failureClass: string | null): failureClass is FailureClass =>
  failureClass === 'preempted' || failureClass === 'node-lost' || failureClass === 'platform';

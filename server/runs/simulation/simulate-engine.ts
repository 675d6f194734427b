import type { OpenDatabase } from '#kit/db/open-database.ts';
import { deleteRun } from '#runs/delete-run.ts';
import { findRun } from '#runs/find-run.ts';
import { isEnded } from '#runs/run-states.ts';
import { checkAlways, checkAtRest } from '#runs/simulation/check-world.ts';
import * as act from '#runs/simulation/engine-world.ts';
import { isInjected, settled } from '#runs/simulation/held-calls.ts';
import type { RunState } from '@sodate/contract/runs.ts';

/** Events of the wild part, before everything is let come to rest. */
const EVENTS = 240;
const CHECK_EVERY = 12;
/** Rounds after which whatever has not ended is something that never ends by itself, and is stopped. */
const ROUNDS_UNTIL_STOP = 16;
const ROUNDS_LIMIT = 150;
const ROUND_MS = 5_000;

export interface Simulated {
  /** Promises that were broken, in words; empty when all is well. */
  readonly broken: readonly string[];
  /** What happened, in order. */
  readonly trace: readonly string[];
  readonly runs: number;
  readonly attempts: number;
}

/** One simulated life of an installation, decided by its seed alone. */
export async function simulateEngine(database: OpenDatabase, seed: number): Promise<Simulated> {
  const world = await act.makeWorld(database, seed);
  const answer = (broken: readonly string[]): Simulated => ({ broken, trace: world.trace, runs: world.runs.length, attempts: world.truths.size });
  try {
    for (let event = 0; event < EVENTS; event += 1) {
      await somethingHappens(world, database);
      await replaceStopped(world, database);
      if (event % CHECK_EVERY !== 0) continue;
      const broken = await checkAlways(world);
      if (broken.length > 0) return answer(broken);
    }
    const unfinished = await comeToRest(world, database);
    const broken = [...unfinished, ...(await checkAlways(world)), ...(await checkAtRest(world))];
    return answer(broken);
  } finally {
    for (const server of world.servers.values()) await server.die();
  }
}

async function somethingHappens(world: act.World, database: OpenDatabase): Promise<void> {
  const { random } = world;
  const dice = random.int(1000);
  if (dice < 520) return settleSome(world, database, random.between(1, 4));
  if (dice < 730) {
    act.beginPasses(world, 0.5);
    return settled();
  }
  if (dice < 830) return advance(world, random.pick([1, 50, 250, 250, 1000, 1000, 1000, 3000, 11_000, 45_000]));
  if (dice < 890) return act.submit(world);
  if (dice < 920) {
    const run = random.pick(world.runs.filter(({ deleted }) => !deleted));
    return run && act.askToStop(world, run);
  }
  if (dice < 930) return act.vanishOne(world);
  if (dice < 942) {
    world.engine.reachable = !world.engine.reachable || !random.chance(0.6);
    return act.say(world, `the engine is ${world.engine.reachable ? 'there' : 'away'}`);
  }
  if (dice < 952) {
    await act.setNodes(world, () => random.chance(0.7));
    return act.say(world, 'nodes are opened and closed');
  }
  if (dice < 962) {
    const tenant = random.pick(world.tenants);
    return tenant && act.changeQuota(world, tenant, { cpuMilli: random.pick([null, 1000, 3000, 6000]), gpus: random.pick([null, null, 0, 1, 3]) });
  }
  if (dice < 970) return deleteSome(world);
  if (dice < 985 && world.servers.size > 1) return longPause(world, database);
  const [id, server] = random.pick([...world.servers]) ?? [];
  if (id === undefined || server === undefined) return;
  if (dice < 987) {
    act.say(world, `${server.process} is killed`);
    return act.replaceServer(world, database, id);
  }
  if (dice < 992) {
    act.say(world, `${server.process} is asked to end`);
    server.stop();
    return settled();
  }
  server.paused = !server.paused;
  act.say(world, `${server.process} is ${server.paused ? 'paused' : 'resumed'}`);
}

async function settleSome(world: act.World, database: OpenDatabase, count: number): Promise<void> {
  for (let settledCalls = 0; settledCalls < count; settledCalls += 1) {
    const call = world.random.pick(act.callsToSettle(world));
    if (call === undefined) break;
    await act.settleCall(world, database, call);
  }
}

/**
 * One server stands still for as long as it takes the others to take over its runs and bring some to their ends; then it
 * goes on exactly where it was.
 */
async function longPause(world: act.World, database: OpenDatabase): Promise<void> {
  const servers = [...world.servers.values()].filter(({ paused }) => !paused);
  // Best in the moment in which it is about to record something.
  const recording = servers.filter(({ process }) => world.calls.waiting.some(({ owner, label }) => owner === process && label.startsWith('db: with "moved"')));
  const server = world.random.pick(recording.length > 0 ? recording : servers);
  if (server === undefined) return;
  server.paused = true;
  act.say(world, `${server.process} is paused for long`);
  await advance(world, world.limits.leaseMs + 1);
  const rounds = world.random.between(3, 14);
  for (let round = 0; round < rounds; round += 1) {
    act.beginPasses(world, 0.8);
    await settled();
    await settleSome(world, database, 25);
    await replaceStopped(world, database);
    await advance(world, 1000);
  }
  server.paused = false;
  act.say(world, `${server.process} goes on`);
}

async function replaceStopped(world: act.World, database: OpenDatabase): Promise<void> {
  for (const [id, server] of [...world.servers]) {
    if (!server.stopped) continue;
    act.say(world, `${server.process} has ended`);
    await act.replaceServer(world, database, id);
  }
}

async function advance(world: act.World, ms: number): Promise<void> {
  world.clock.advance(ms);
  // Nodes are looked at all the time; that is no part of this.
  await world.db.updateTable('nodes').set({ seen_at: world.clock.now() }).execute();
  await settled();
}

async function deleteSome(world: act.World): Promise<void> {
  const run = world.random.pick(world.runs.filter(({ deleted }) => !deleted));
  if (run === undefined) return;
  const found = await findRun(world.db, run.tenant, run.id);
  if (!isEnded(found.state)) return;
  try {
    await deleteRun(world.db, world.clock, run.tenant, found);
    run.deleted = true;
    act.say(world, `delete ${run.name}`);
  } catch (error) {
    if (!isInjected(error)) throw error;
  }
}

/** Nothing fails any more, everybody is back, and the workers work: all that waits must get its turn and end. */
async function comeToRest(world: act.World, database: OpenDatabase): Promise<readonly string[]> {
  act.say(world, 'from here on nothing fails');
  world.faultRate = 0;
  world.engine.reachable = true;
  for (const server of world.servers.values()) server.paused = false;
  await act.setNodes(world, () => true);
  for (const tenant of world.tenants) await act.changeQuota(world, tenant, { cpuMilli: null, gpus: null });
  for (let round = 0; round < ROUNDS_LIMIT; round += 1) {
    for (const server of world.servers.values()) for (const worker of world.random.shuffle(['schedule', 'drive'] as const)) server.begin(worker);
    await settled();
    await settleAll(world, database);
    const left = await world.db.selectFrom('runs').select(['id', 'state']).where('state', 'not in', ['succeeded', 'failed', 'cancelled']).execute();
    if (left.length === 0) return sweepUp(world, database);
    if (round === ROUNDS_UNTIL_STOP || (round > ROUNDS_UNTIL_STOP && round % 8 === 0)) {
      for (const { id } of left) {
        const run = world.runs.find((submitted) => submitted.id === id);
        if (run) await act.askToStop(world, run);
      }
    }
    await advance(world, ROUND_MS);
  }
  const left = await world.db.selectFrom('runs').select(['name', 'state']).where('state', 'not in', ['succeeded', 'failed', 'cancelled']).execute();
  return [`these never end: ${left.map(({ name, state }) => `${name} (${state as RunState})`).join(', ')}`];
}

async function settleAll(world: act.World, database: OpenDatabase): Promise<void> {
  while (act.callsToSettle(world).length > 0) await settleSome(world, database, 1);
  await replaceStopped(world, database);
}

/** The grace for orphans passes, and the last scheduling passes see an empty queue. */
async function sweepUp(world: act.World, database: OpenDatabase): Promise<readonly string[]> {
  for (let round = 0; round < 4; round += 1) {
    await advance(world, world.limits.orphanGraceMs);
    for (const server of world.servers.values()) for (const worker of ['sweep', 'schedule', 'drive'] as const) server.begin(worker);
    await settled();
    await settleAll(world, database);
  }
  return [];
}

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { followLog } from '@sodate/client/live.ts';
import type { Client } from '@sodate/client/make-client.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { getHealth } from '@sodate/contract/health.ts';
import { listNodes } from '@sodate/contract/nodes.ts';
import { getRun, listRuns, stopRun } from '@sodate/contract/run-routes.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { createTenant } from '@sodate/contract/tenants.ts';
import { expect } from 'vitest';
import type { TestEngine } from '../../server/executors/docker/testing/test-engine.ts';
import { makeProgram } from '../program.ts';
import { freePort } from '../../server/kit/testing/free-port.ts';
import { isHealthy, makeTestHome, signInAsAdmin } from '../test-home.ts';
import { until } from '../until.ts';
import { checkEnd } from './check-end.ts';
import { describeUnended } from './describe-unended.ts';
import { makeRandom } from './random.ts';
import { type PlannedRun, planRuns, requestOf } from './planned-run.ts';
import { makeStorm, type StormCounts, type StruckEngine } from './storm.ts';

/** Before the next strike, this share of what was submitted for the earlier ones has ended: the storm must not outrun the work. */
const PROGRESS_SHARE = 0.6;
const SUBMITTERS = 4;
const TENANT = 'storm';
const ENDED = ['succeeded', 'failed', 'cancelled'] as const;

export interface ChaosOptions {
  /** A seed repeats what is run and what is struck after what delay. */
  readonly seed: number;
  readonly runs: number;
  readonly strikes: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly engine?: StruckEngine & Pick<TestEngine, 'docker'>;
  /** For the runs in containers; none without any. */
  readonly images?: readonly string[];
  /** Waited for before the server's ordinary end: what it clears away by itself after a while. */
  readonly untilAtRest?: (installation: string, home: string) => Promise<void>;
  /** Done after the test, last first, whatever became of it. */
  readonly cleanUps: (() => Promise<void>)[];
}

export interface ChaosResult {
  readonly home: string;
  readonly installation: string;
  readonly counts: StormCounts;
  readonly struck: readonly string[];
  /** Everything that is wrong with a run, each as a line for people. */
  readonly faults: readonly string[];
  /** Of the server's last, ordinary end. */
  readonly exitCode: number | null;
}

/** A seed given to repeat a test, or a new one. */
export const seedOfTest = (): number => Number(process.env['SODATE_CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/**
 * Submits runs and kills the program, its database and perhaps the container engine under them, until all have ended.
 * Afterwards the server has been ended in the ordinary way and its home is at rest.
 * @throws when the work does not go on, or the server ends by itself
 */
export async function runChaos({ seed, runs, strikes, environment = {}, engine, images = [], untilAtRest, cleanUps }: ChaosOptions): Promise<ChaosResult> {
  /** Runs that are submitted for each strike, so that there is always something under way when something is killed. */
  const runsPerStrike = runs / (strikes - 2);
  console.log(`SODATE_CHAOS_SEED=${seed}`);
  const random = makeRandom(seed);
  const program = await makeProgram();
  cleanUps.push(() => program.remove());
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const home = await makeTestHome(program.file, { environment: { SODATE_PORT: String(port), ...environment } });
  cleanUps.push(() => home.remove());
  const held: { installation: string } = { installation: '' };
  const storm = await makeStorm({
    home,
    random: makeRandom(random.integer(0, 2 ** 31)),
    mark: home.folder,
    installation: async () => held.installation,
    engine: engine ?? null,
  });
  await until('the first start', () => isHealthy(url));
  const client = await signInAsAdmin(url);
  held.installation = (await client.call(getHealth)).installation;
  await client.call(createTenant, { body: { name: TENANT } });

  const planned = planRuns(runs, random, images);
  const progress = { strikes: 0, broken: null as unknown };
  const submitted = new Map<PlannedRun, string>();
  const followed = new Map<PlannedRun, Promise<Buffer>>();
  const stopping: Promise<void>[] = [];
  const giveUp = new AbortController();
  cleanUps.push(async () => giveUp.abort());

  const submit = async (run: PlannedRun): Promise<void> => {
    while (run.index >= (progress.strikes + 1) * runsPerStrike) {
      await sleep(20, undefined, { signal: giveUp.signal });
    }
    const { id } = await client.call(startTask, {
      params: { tenant: TENANT },
      body: requestOf(run, home.folder),
      idempotencyKey: `chaos-${seed}-${run.index}`,
    });
    submitted.set(run, id);
    if (run.followed) followed.set(run, goOn(readLive(client, id, giveUp.signal)));
    if (run.shape === 'stopped') stopping.push(goOn(stop(client, id, run)));
  };
  const waiting = [...planned];
  const submitting = Promise.all(
    Array.from({ length: SUBMITTERS }, async () => {
      for (let run = waiting.shift(); run; run = waiting.shift()) await submit(run);
    }),
  );
  submitting.catch((error: unknown) => (progress.broken = error));

  await storm.rage(strikes - 1, async (done) => {
    progress.strikes = done;
    await until(`the work goes on after ${done} strikes`, async () => {
      if (progress.broken !== null) throw progress.broken;
      return (await countEnded(client)) >= done * runsPerStrike * PROGRESS_SHARE;
    });
  });
  progress.strikes = strikes;
  await submitting;
  expect(new Set(submitted.values()).size).toBe(runs);

  // Ends that nobody saw: exit codes and last lines of jobs that end while there is no server.
  const told = planned.filter(({ shape }) => shape === 'told');
  const outputOf = (run: PlannedRun, file: string): string => path.join(home.folder, 'runs', submitted.get(run) ?? '', 'output', file);
  for (const run of told)
    await until(
      `${run.token} runs`,
      async () =>
        (await client.call(getRun, { params: { tenant: TENANT, run: submitted.get(run) ?? '' } })).state === 'running' && existsSync(outputOf(run, 'ran')),
    );
  await storm.away(async () => {
    for (const run of told) await writeFile(outputOf(run, 'told'), '');
    for (const run of told) await until(`${run.token} ends without a server`, () => existsSync(outputOf(run, 'lines')));
  });
  await until('every run has ended', async () => (await countEnded(client)) === runs, 300_000).catch(async (error: unknown) => {
    throw new Error(await describeUnended(client, TENANT, engine ?? null, storm.said()), { cause: error });
  });
  await Promise.all(stopping);

  const faults: string[] = [];
  const retries: string[] = [];
  for (const run of planned) {
    const end = await checkEnd({
      client,
      tenant: TENANT,
      home: home.folder,
      planned: run,
      id: submitted.get(run) ?? '',
      followed: (await followed.get(run)) ?? null,
      outages: storm.outages,
    });
    faults.push(...end.faults);
    retries.push(...end.retries);
  }
  const nodes = await client.call(listNodes);
  console.log(JSON.stringify({ seed, runs, followed: followed.size, ...storm.counts }), storm.struck.join(' '), retries);
  expect((await client.call(listRuns, { params: { tenant: TENANT }, query: { limit: 1 } })).total).toMatchObject({ count: runs });
  expect(nodes.items.map(({ used }) => used)).toEqual([{ cpu: 0, memory: 0, gpus: 0 }]);
  await untilAtRest?.(held.installation, home.folder);
  return { home: home.folder, installation: held.installation, counts: storm.counts, struck: storm.struck, faults, exitCode: await storm.end() };
}

/** Awaited only at the end; when the test fails earlier nobody does. */
function goOn<Result>(work: Promise<Result>): Promise<Result> {
  work.catch(() => {});
  return work;
}

async function countEnded(client: Client): Promise<number> {
  const { total } = await client.call(listRuns, { params: { tenant: TENANT }, query: { state: [...ENDED], limit: 1 } });
  return total.count;
}

async function readLive(client: Client, run: string, signal: AbortSignal): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const backoff = { retries: Number.POSITIVE_INFINITY, firstDelayMs: 20, longestDelayMs: 300 };
  let present = 0;
  for await (const { attempt, bytes } of followLog(client, { tenant: TENANT, run, backoff }, signal)) {
    // What is looked at in the end is the last attempt's log.
    if (attempt !== present) pieces.length = 0;
    present = attempt;
    pieces.push(bytes);
  }
  return Buffer.concat(pieces);
}

/** Asks until it is acknowledged; then the run is certain to end as cancelled. */
async function stop(client: Client, id: string, run: PlannedRun): Promise<void> {
  const params = { tenant: TENANT, run: id };
  if (run.stopAt === 'when-running') await until(`${run.token} runs`, async () => (await client.call(getRun, { params })).state === 'running', 600_000);
  await until(`the stop of ${run.token} is acknowledged`, () =>
    client.call(stopRun, { params, body: { graceSeconds: run.stubborn ? 1 : 30 } }).then(
      () => true,
      (error: unknown) => {
        if (isSodateError(error) && error.code !== 'database-unavailable' && error.code !== 'shutting-down') throw error;
        return false;
      },
    ),
  );
}

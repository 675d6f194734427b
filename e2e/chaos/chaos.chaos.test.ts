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
import { afterEach, expect, it } from 'vitest';
import { makeProgram } from '../program.ts';
import { findTraces } from '../home-traces.ts';
import { freePort, isHealthy, makeTestHome, signInAsAdmin } from '../test-home.ts';
import { until } from '../until.ts';
import { findFaults } from './check-end.ts';
import { makeRandom } from './random.ts';
import { type PlannedRun, planRuns, requestOf } from './planned-run.ts';
import { makeStorm } from './storm.ts';

const RUNS = 300;
const STRIKES = 32;
/** Runs that are submitted for each strike, so that there is always something under way when something is killed. */
const RUNS_PER_STRIKE = RUNS / (STRIKES - 2);
/** Before the next strike, this share of what was submitted for the earlier ones has ended: the storm must not outrun the work. */
const PROGRESS_SHARE = 0.6;
const SUBMITTERS = 4;
/** From when a start serves: how long starts take on a loaded machine is for the benchmarks. */
const ADOPTION_PROMISE_MS = 10_000;
const TENANT = 'storm';
const ENDED = ['succeeded', 'failed', 'cancelled'] as const;

const seed = Number(process.env['SODATE_CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it(`${RUNS} runs end once each while server and database are killed (SODATE_CHAOS_SEED=${seed})`, { timeout: 1_800_000 }, async () => {
  console.log(`SODATE_CHAOS_SEED=${seed}`);
  const random = makeRandom(seed);
  const program = await makeProgram();
  cleanUps.push(() => program.remove());
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const home = await makeTestHome(program.file, { environment: { SODATE_PORT: String(port) } });
  cleanUps.push(() => home.remove());
  const held: { installation: string } = { installation: '' };
  const storm = await makeStorm(home, makeRandom(random.integer(0, 2 ** 31)), home.folder, async () => held.installation);
  await until('the first start', () => isHealthy(url));
  const client = await signInAsAdmin(url);
  held.installation = (await client.call(getHealth)).installation;
  await client.call(createTenant, { body: { name: TENANT } });

  const planned = planRuns(RUNS, random);
  const progress = { strikes: 0, broken: null as unknown };
  const submitted = new Map<PlannedRun, string>();
  const followed = new Map<PlannedRun, Promise<Buffer>>();
  const stopping: Promise<void>[] = [];
  const giveUp = new AbortController();
  cleanUps.push(async () => giveUp.abort());

  const submit = async (run: PlannedRun): Promise<void> => {
    while (run.index >= (progress.strikes + 1) * RUNS_PER_STRIKE) {
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

  await storm.rage(STRIKES - 1, async (done) => {
    progress.strikes = done;
    await until(`the work goes on after ${done} strikes`, async () => {
      if (progress.broken !== null) throw progress.broken;
      return (await countEnded(client)) >= done * RUNS_PER_STRIKE * PROGRESS_SHARE;
    });
  });
  progress.strikes = STRIKES;
  await submitting;
  expect(new Set(submitted.values()).size).toBe(RUNS);

  // Ends that nobody saw: exit codes and last lines of jobs that end while there is no server.
  const told = planned.filter(({ shape }) => shape === 'told');
  const outputOf = (run: PlannedRun, file: string): string => path.join(home.folder, 'runs', submitted.get(run) ?? '', 'output', file);
  for (const run of told)
    expect(await client.call(getRun, { params: { tenant: TENANT, run: submitted.get(run) ?? '' } }), run.token).toMatchObject({ state: 'running', attempt: 1 });
  await storm.away(async () => {
    for (const run of told) await writeFile(outputOf(run, 'told'), '');
    for (const run of told) await until(`${run.token} ends without a server`, () => existsSync(outputOf(run, 'lines')));
  });
  await until('every run has ended', async () => (await countEnded(client)) === RUNS, 300_000);
  await Promise.all(stopping);

  const faults: string[] = [];
  for (const run of planned) {
    faults.push(
      ...(await findFaults({
        client,
        tenant: TENANT,
        home: home.folder,
        planned: run,
        id: submitted.get(run) ?? '',
        followed: (await followed.get(run)) ?? null,
      })),
    );
  }
  const nodes = await client.call(listNodes);
  console.log(JSON.stringify({ seed, runs: RUNS, followed: followed.size, ...storm.counts }));
  expect(faults).toEqual([]);
  expect((await client.call(listRuns, { params: { tenant: TENANT }, query: { limit: 1 } })).total).toMatchObject({ count: RUNS });
  expect(nodes.items.map(({ used }) => used)).toEqual([{ cpu: 0, memory: 0, gpus: 0 }]);
  expect(storm.counts.strikes).toBeGreaterThanOrEqual(30);
  expect(storm.counts.adoptions).toBeGreaterThan(0);
  expect(storm.counts.longestAdoptionMs).toBeLessThan(ADOPTION_PROMISE_MS);

  expect(await storm.end()).toBe(0);
  expect(await findTraces(home.folder, held.installation)).toEqual([]);
});

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
  for await (const { bytes } of followLog(client, { tenant: TENANT, run, backoff }, signal)) pieces.push(bytes);
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

import { type Bench, scaled } from './bench.ts';
import type { BenchPlatform } from './bench-platform.ts';
import type { BenchServer } from './bench-server.ts';
import { atLeast, explain, rounded } from './figure.ts';
import { cpuMillisecondsOf } from './processes.ts';
import { listRuns } from '@sodate/contract/run-routes.ts';
import { RUN_STATES } from '@sodate/contract/runs.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const RUNS = 1_000;
/** A rate is of what goes on for long: until here the server's code is still being compiled, and its statements planned. */
const WARM_UP_RUNS = 400;
const SENDERS = 16;
const RUNS_PER_SECOND = 100;
const LIVE = RUN_STATES.slice(0, -3);
/** Small enough that capacity limits nothing, large enough that the limit on CPU slows no start. */
const RESOURCES = { cpu: 0.1, memory: 32_000_000, gpus: 0 };

/** Runs that do nothing, from the submission over the API to the recorded end. */
export const rateBench: Bench = {
  name: 'rate',
  about: 'no-op runs per second',
  async measure(context) {
    const platform = await context.platform();
    await runMany(platform, scaled(context, WARM_UP_RUNS, 40));
    const runs = scaled(context, RUNS, 60);
    const before = cpuUse(platform.server());
    const benchBefore = process.cpuUsage();
    const seconds = await runMany(platform, runs);
    const after = cpuUse(platform.server());
    const benchUse = process.cpuUsage(benchBefore);
    const each = (ms: number): string => `${rounded(ms / runs)} ms`;
    return [
      atLeast(`no-op runs per second (${runs}, from ${SENDERS} senders, ${availableParallelism()} cores)`, runs / seconds, RUNS_PER_SECOND, '/s'),
      explain(
        '  CPU time a run: server, database, senders (jobs left out)',
        [after.server - before.server, after.database - before.database, (benchUse.user + benchUse.system) / 1000].map(each).join(', '),
      ),
    ];
  },
};

function cpuUse(server: BenchServer): { readonly server: number; readonly database: number } {
  const { database } = server.processes();
  return { server: cpuMillisecondsOf([server.pid]), database: cpuMillisecondsOf(database) };
}

/** @returns seconds from the first submission to the last end */
async function runMany(platform: BenchPlatform, count: number): Promise<number> {
  const client = platform.client();
  const params = { tenant: platform.tenant };
  const ids: string[] = [];
  const began = performance.now();
  const left = { count };
  const send = async (): Promise<void> => {
    while (left.count > 0) {
      left.count -= 1;
      ids.push((await client.call(startTask, { params, body: { name: 'nothing', command: ['true'], resources: RESOURCES } })).id);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  for (;;) {
    const { total } = await client.call(listRuns, { params, query: { state: [...LIVE], limit: 1 } });
    if (total.count === 0) break;
    await sleep(50);
  }
  const seconds = (performance.now() - began) / 1000;
  await checkAllSucceeded(platform, new Set(ids));
  return seconds;
}

/** A fast platform that loses runs would be no good. */
async function checkAllSucceeded(platform: BenchPlatform, ids: Set<string>): Promise<void> {
  for (let cursor: string | undefined; ids.size > 0;) {
    const page = await platform
      .client()
      .call(listRuns, { params: { tenant: platform.tenant }, query: { limit: 200, ...(cursor === undefined ? {} : { cursor }) } });
    for (const run of page.items) {
      if (ids.delete(run.id) && (run.state !== 'succeeded' || run.exitCode !== 0 || run.attempt !== 1))
        throw new Error(`Run ${run.number} ended as ${run.state}, exit code ${run.exitCode}, attempt ${run.attempt}: ${run.failure?.message ?? ''}`);
    }
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  if (ids.size > 0) throw new Error(`${ids.size} submitted runs are not in the list`);
}

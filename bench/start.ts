import type { Bench, BenchContext } from './bench.ts';
import { scaled } from './bench.ts';
import type { BenchPlatform } from './bench-platform.ts';
import { atMost, explain, type Figure, quantile, rounded } from './figure.ts';
import { REPOSITORY } from '../scripts/demo/demo-content.ts';
import { getLog, getRun } from '@sodate/contract/run-routes.ts';
import { RUN_STATES, type RunSummary } from '@sodate/contract/runs.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { startTraining } from '@sodate/contract/training.ts';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const SAMPLES = 100;
const WARM_UP = 5;
const P50_MS = 30;
const P99_MS = 150;
const ENDED: readonly string[] = RUN_STATES.slice(-3);
/** Says when it was started, in nanoseconds, and does nothing else. */
const SAY_NOW = ['date', '+%s%N'];
const RESOURCES = { cpu: 1, memory: 100_000_000, gpus: 0 };

interface Sample {
  /** From the row's own time stamps. */
  readonly submitToStart: number;
  /** From the request's sending to the first thing the job's own command does. */
  readonly sendToInside: number;
}

/** From a submission to its process, one at a time on a platform that does nothing else. */
export const startBench: Bench = {
  name: 'start',
  about: 'submit → start, one at a time',
  async measure(context) {
    const platform = await context.platform();
    const params = { tenant: platform.tenant };
    const common = { name: 'start', command: SAY_NOW, resources: RESOURCES };
    const kinds = {
      'a task': () => platform.client().call(startTask, { params, body: common }),
      'a training with checkout and data set': () =>
        platform.client().call(startTraining, { params, body: { ...common, dataset: platform.dataset, git: { repository: REPOSITORY } } }),
    };
    const figures: Figure[] = [];
    for (const [what, submit] of Object.entries(kinds)) {
      const samples = await take(context, platform, submit);
      const starts = samples.map(({ submitToStart }) => submitToStart);
      const inside = samples.map(({ sendToInside }) => sendToInside);
      figures.push(
        atMost(`${what}: submit → start, p50`, quantile(starts, 0.5), P50_MS, 'ms'),
        atMost(`${what}: submit → start, p99`, quantile(starts, 0.99), P99_MS, 'ms'),
        explain(`${what}: request → its own first instruction, p50 / p99`, `${rounded(quantile(inside, 0.5))} / ${rounded(quantile(inside, 0.99))} ms`),
      );
    }
    for (const [what, command] of Object.entries(bareCommands())) {
      const bare: number[] = [];
      for (let at = 0; at < scaled(context, SAMPLES, 20); at += 1) bare.push(await startBare(command));
      figures.push(explain(`beside it, ${what} by itself, p50 / p99`, `${rounded(quantile(bare, 0.5))} / ${rounded(quantile(bare, 0.99))} ms`));
    }
    return figures;
  },
};

async function take(context: BenchContext, platform: BenchPlatform, submit: () => Promise<RunSummary>): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (let at = 0; at < scaled(context, SAMPLES, 20) + WARM_UP; at += 1) {
    const sentAt = Date.now();
    const run = await waitForEnd(platform, await submit());
    const log = await (await platform.client().bytes(getLog, { params: { tenant: platform.tenant, run: run.id }, query: {} })).text();
    if (run.state !== 'succeeded' || run.startedAt === null) throw new Error(`A run ended as ${run.state}: ${run.failure?.message ?? ''} ${log}`);
    samples.push({ submitToStart: Date.parse(run.startedAt) - Date.parse(run.createdAt), sendToInside: Number(log) / 1e6 - sentAt });
  }
  // The first ones make the mirror, the checkout and the staged data set.
  return samples.slice(WARM_UP);
}

async function waitForEnd(platform: BenchPlatform, { id }: RunSummary): Promise<RunSummary> {
  // Not looked at before it has most likely ended: the looks would be part of what is measured.
  for (let wait = 150; ; wait = 50) {
    await sleep(wait);
    const run = await platform.client().call(getRun, { params: { tenant: platform.tenant, run: id } });
    if (ENDED.includes(run.state)) return run;
  }
}

function bareCommands(): Readonly<Record<string, readonly string[]>> {
  const sandbox = ['bwrap', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'];
  return { 'a bare process': SAY_NOW, ...(existsSync('/usr/bin/bwrap') ? { 'a bare bubblewrap': [...sandbox, ...SAY_NOW] } : {}) };
}

function startBare([file = '', ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = Date.now();
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    child.once('error', reject);
    child.once('close', () => resolve(Number(said) / 1e6 - began));
  });
}

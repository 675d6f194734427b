import { type Bench, scaled } from './bench.ts';
import { atMost, explain, quantile, rounded } from './figure.ts';
import { openSeededStore, type SeededStore } from './seeded-store.ts';
import { startThrowawayPostgres } from '../server/postgres/throwaway-postgres.ts';
import { execFile } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import path from 'node:path';
import { promisify } from 'node:util';

const FILES = 100_000;
const FEW_FILES = 1_000;
const ROUNDS = 3;
const AGAIN = 20;
const FIRST_LIMIT = 1.5;
const AGAIN_LIMIT = 2;

/** Laying out a data set of many files for its first run, and for those after it. */
export const stagingBench: Bench = {
  name: 'staging',
  about: 'a data set of 100,000 files',
  async measure(context) {
    const postgres = await startThrowawayPostgres();
    const folder = path.join(context.folder, 'staging');
    const store = await openSeededStore({ server: postgres.connection, folder, dist: path.dirname(context.program) });
    try {
      const files = scaled(context, FILES, 5_000);
      const data = await store.makeData(files);
      const first: number[] = [];
      const copied: number[] = [];
      const held: { readonly p99: number; readonly longest: number }[] = [];
      const sets: string[] = [];
      // In turns, so that whatever else the machine does meets both alike.
      for (let round = 0; round < ROUNDS; round += 1) {
        const dataset = await store.makeDataset(data);
        sets.push(dataset);
        // A fresh one each time: to one that is enabled again, the pause in between is a delay.
        const delay = monitorEventLoopDelay({ resolution: 10 });
        delay.enable();
        const staged = await timed(() => store.stage(dataset));
        delay.disable();
        held.push({ p99: delay.percentile(99) / 1e6, longest: delay.max / 1e6 });
        first.push(staged.ms);
        copied.push((await timed(() => promisify(execFile)('cp', ['-al', staged.result, path.join(folder, `copy-${round}`)]))).ms);
      }
      const again = await restage(store, sets[0] ?? '');
      const few = await store.makeDataset(await store.makeData(FEW_FILES));
      await store.stage(few);
      const againFew = await restage(store, few);
      return [
        atMost(`${files} files the first time, beside cp -al`, quantile(first, 0.5) / quantile(copied, 0.5), FIRST_LIMIT, '×'),
        explain('  in ms: staging, cp -al', `${rounded(quantile(first, 0.5))}, ${rounded(quantile(copied, 0.5))}`),
        explain(
          '  event loop held up meanwhile, p99 / longest',
          `${rounded(Math.max(...held.map(({ p99 }) => p99)))} / ${rounded(Math.max(...held.map(({ longest }) => longest)))} ms`,
        ),
        atMost(`${files} files afterwards, beside ${FEW_FILES}`, again / againFew, AGAIN_LIMIT, '×'),
        explain('  in ms', `${rounded(again)}, ${rounded(againFew)}`),
      ];
    } finally {
      await store.close();
      await postgres.stop();
    }
  },
};

async function restage(store: SeededStore, dataset: string): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < AGAIN; at += 1) times.push((await timed(() => store.stage(dataset))).ms);
  return quantile(times, 0.25);
}

async function timed<Result>(work: () => Promise<Result>): Promise<{ readonly ms: number; readonly result: Result }> {
  const began = performance.now();
  const result = await work();
  return { ms: performance.now() - began, result };
}

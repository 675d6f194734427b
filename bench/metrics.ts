import { type Bench, type BenchContext, scaled } from './bench.ts';
import type { BenchPlatform } from './bench-platform.ts';
import { atMost, explain, type Figure, quantile, rounded } from './figure.ts';
import { frameEvent } from '../server/metrics/testing/frame-events.ts';
import { APPENDED_POINTS_LIMIT, appendPoints, listSeries, readCharts } from '@sodate/contract/metrics.ts';
import { getRun } from '@sodate/contract/run-routes.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SERIES = 1_000;
/** Of each series; `--scale 100` makes all of them as long as the budget says. */
const POINTS = 1_000;
const LONG_SERIES = 5;
const LONG = 100_000;
const FILE_EVENTS = 200_000;
const FILE_TAGS = 50;
const CHARTS = 60;
const CHART_LIMIT_MS = 50;
const RESOURCES = { cpu: 0.1, memory: 32_000_000, gpus: 0 };

/** Points in, by request and by event file, and charts out, all through the API. */
export const metricsBench: Bench = {
  name: 'metrics',
  about: `charts of ${LONG} points in a run with ${SERIES} series`,
  async measure(context) {
    const platform = await context.platform();
    const run = await startRun(platform, ['sleep', '3600']);
    const each = Math.min(LONG, scaled(context, POINTS, 50));
    const many = await sendPoints(platform, run, manyPoints(each));
    const long = await sendPoints(platform, run, longPoints());
    const [events, bytes] = await readFileEvents(context, platform, scaled(context, FILE_EVENTS, 20_000));
    const times = await chartTimes(platform, run, 1_000);
    const figures: Figure[] = [
      atMost(`a chart of ${LONG} points beside ${SERIES} series of ${each}, p50`, quantile(times, 0.5), CHART_LIMIT_MS, 'ms'),
      atMost('  p99', quantile(times, 0.99), CHART_LIMIT_MS, 'ms'),
      explain(`  points a second by request: ${SERIES} series at a time, one at a time`, `${rounded(many)}, ${rounded(long)}`),
      explain('  points a second from an event file', `${rounded(events)} (${rounded(bytes / 1e6)} MB/s)`),
    ];
    return figures;
  },
};

interface Sent {
  readonly name: string;
  readonly step: number;
  readonly value: number;
}

async function startRun(platform: BenchPlatform, command: string[]): Promise<string> {
  const client = platform.client();
  const params = { tenant: platform.tenant };
  const { id } = await client.call(startTask, { params, body: { name: 'measures', command, resources: RESOURCES } });
  while ((await client.call(getRun, { params: { ...params, run: id } })).state !== 'running') await sleep(50);
  return id;
}

function* manyPoints(each: number): Generator<Sent> {
  for (let step = 0; step < each; step += 1) for (let at = 0; at < SERIES; at += 1) yield { name: `layer ${at}`, step, value: Math.sin(step * at) };
}

function* longPoints(): Generator<Sent> {
  for (let at = 0; at < LONG_SERIES; at += 1) for (let step = 0; step < LONG; step += 1) yield { name: `long ${at}`, step, value: Math.sin(step * at) };
}

/** @returns points a second, in requests as large as they may be, one after the other */
async function sendPoints(platform: BenchPlatform, run: string, points: Iterable<Sent>): Promise<number> {
  const client = platform.client();
  const params = { tenant: platform.tenant, run };
  const sent = { count: 0, ms: 0 };
  let batch: Sent[] = [];
  const send = async (): Promise<void> => {
    if (batch.length === 0) return;
    const began = performance.now();
    await client.call(appendPoints, { params, body: { points: batch } });
    sent.ms += performance.now() - began;
    sent.count += batch.length;
    batch = [];
  };
  for (const point of points) {
    batch.push(point);
    if (batch.length === APPENDED_POINTS_LIMIT) await send();
  }
  await send();
  return (sent.count / sent.ms) * 1000;
}

/** From the first point that the API shows to the last. @returns points and bytes a second */
async function readFileEvents(context: BenchContext, platform: BenchPlatform, count: number): Promise<readonly [number, number]> {
  const run = await startRun(platform, ['sleep', '3600']);
  const output = path.join(context.folder, 'home', 'runs', run, 'output');
  await mkdir(output, { recursive: true });
  const file = Buffer.concat(Array.from({ length: count }, (_, at) => frameEvent({ step: at, scalars: { [`tag ${at % FILE_TAGS}`]: at } })));
  await writeFile(path.join(output, 'events.out.tfevents.1'), file);
  const arrived = async (): Promise<number> => {
    const { items } = await platform.client().call(listSeries, { params: { tenant: platform.tenant, run }, query: { limit: FILE_TAGS } });
    return items.reduce((sum, { points }) => sum + points, 0);
  };
  let first = 0;
  while (first === 0) first = (await sleep(5), await arrived());
  const began = performance.now();
  let all = first;
  while (all < count) all = (await sleep(20), await arrived());
  const share = first === count ? 1 : (count - first) / count;
  const seconds = Math.max(1, performance.now() - began) / 1000;
  return [(count * share) / seconds, (file.length * share) / seconds];
}

async function chartTimes(platform: BenchPlatform, run: string, maxPoints: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < CHARTS; at += 1) {
    const began = performance.now();
    const { items } = await platform.client().call(readCharts, {
      params: { tenant: platform.tenant },
      query: { run, name: `long ${at % LONG_SERIES}`, maxPoints },
    });
    times.push(performance.now() - began);
    if (items[0]?.points !== LONG) throw new Error(`A chart has ${items[0]?.points} points instead of ${LONG}`);
  }
  return times;
}

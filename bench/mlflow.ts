import { type Bench, type BenchContext, scaled } from './bench.ts';
import { atLeast, explain, type Figure, rounded } from './figure.ts';
import { startMlflowServer } from './mlflow-server.ts';
import { createToken } from '@sodate/contract/tokens.ts';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs with a few numbers each, in which is searched; and points logged to some more. */
const RUNS = 200;
const SENDERS = 4;
const BATCHES = 60;
const POINTS_PER_BATCH = 1_000;
const SINGLES = 800;
const SEARCHES = 300;
const WARM_UPS = 100;
/** Runs are searched that have been there for a while: ours plans by what PostgreSQL knows of its tables, at which it looks every 20 s. */
const BEFORE_SEARCHES_MS = 45_000;
const FASTER_BY = 10;

/**
 * The same requests, byte for byte, to this platform and to MLflow's own server on the same machine, one after the other:
 * no client's time is in the numbers, and neither disturbs the other.
 */
export const mlflowBench: Bench = {
  name: 'mlflow',
  about: "metric ingest and run search beside MLflow's own server (installed from PyPI; only when named)",
  async measure(context) {
    const platform = await context.platform();
    const { secret } = await platform.client().call(createToken, { params: { tenant: platform.tenant }, body: { name: 'measures MLflow' } });
    const ours = await measureServer(context, { url: platform.server().url, token: secret });
    context.say("  MLflow's server …");
    const mlflow = await startMlflowServer(context.folder);
    if ('missing' in mlflow) return [...show('here', ours), explain("MLflow's server", `not here: ${mlflow.missing}`)];
    try {
      const theirs = await measureServer(context, { url: mlflow.url, token: null });
      return [
        ...WHAT.map(({ name, key }) => atLeast(`${name}: times as many as MLflow ${mlflow.version} on SQLite`, ours[key] / theirs[key], FASTER_BY, '×')),
        ...show('here', ours),
        ...show('there', theirs),
      ];
    } finally {
      await mlflow.stop();
    }
  },
};

interface Measured {
  /** All of these in a second. */
  readonly runs: number;
  readonly points: number;
  readonly singles: number;
  readonly searches: number;
}

const WHAT = [
  { name: 'runs begun, logged to and ended', key: 'runs' },
  { name: `points in batches of ${POINTS_PER_BATCH}`, key: 'points' },
  { name: 'points one by one', key: 'singles' },
  { name: 'searches by a metric and a parameter, ordered by a metric', key: 'searches' },
] as const satisfies readonly { name: string; key: keyof Measured }[];

const show = (where: string, measured: Measured): readonly Figure[] =>
  WHAT.map(({ name, key }) => explain(`  ${where}: ${name}`, `${rounded(measured[key])} /s`));

interface Server {
  readonly url: string;
  readonly token: string | null;
  readonly agent: Agent;
}

async function measureServer(context: BenchContext, address: Omit<Server, 'agent'>): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: SENDERS });
  try {
    return await measureAll(context, { ...address, agent });
  } finally {
    agent.destroy();
  }
}

async function measureAll(context: BenchContext, server: Server): Promise<Measured> {
  const { experiment_id } = await post<{ experiment_id: string }>(server, 'experiments/create', { name: 'measured' });
  const ids: string[] = [];
  const startRun = async (at: number): Promise<void> => {
    const { run } = await post<{ run: { info: { run_id: string } } }>(server, 'runs/create', {
      experiment_id,
      run_name: `run ${at}`,
      start_time: 1_700_000_000_000 + at,
    });
    const { run_id } = run.info;
    await post(server, 'runs/log-batch', {
      run_id,
      metrics: ['loss', 'accuracy', 'speed'].map((key, which) => ({ key, value: ((at * 7919 + which) % 1000) / 1000, timestamp: 1_700_000_000_000, step: 1 })),
      params: [
        { key: 'model', value: `model ${at % 10}` },
        { key: 'rate', value: String(at % 7) },
      ],
      tags: [{ key: 'team', value: `team ${at % 3}` }],
    });
    await post(server, 'runs/update', { run_id, status: 'FINISHED', end_time: 1_700_000_001_000 });
    ids.push(run_id);
  };
  const logBatch = async (at: number): Promise<void> => {
    const metrics = Array.from({ length: POINTS_PER_BATCH }, (_, step) => ({
      key: 'curve',
      value: Math.sin(step),
      timestamp: 1_700_000_000_000 + step,
      step: at * POINTS_PER_BATCH + step,
    }));
    await post(server, 'runs/log-batch', { run_id: ids[at % SENDERS], metrics });
  };
  const logPoint = (at: number): Promise<unknown> =>
    post(server, 'runs/log-metric', { run_id: ids[SENDERS + (at % SENDERS)], key: 'single', value: at, timestamp: 1_700_000_000_000 + at, step: at });
  const search = async (at: number): Promise<void> => {
    const found = await post<{ runs?: readonly unknown[] }>(server, 'runs/search', {
      experiment_ids: [experiment_id],
      filter: `metrics.loss < 0.9 and params.model = 'model ${at % 10}'`,
      order_by: ['metrics.accuracy DESC'],
      max_results: 50,
    });
    // A server that finds nothing quickly would be no good.
    if (found.runs === undefined || found.runs.length < Math.min(50, Math.floor(ids.length / 20)))
      throw new Error(`A search found ${found.runs?.length ?? 0} runs`);
  };
  const logged = {
    runs: await perSecond(context, RUNS, startRun),
    points: POINTS_PER_BATCH * (await perSecond(context, BATCHES, logBatch)),
    singles: await perSecond(context, SINGLES, logPoint),
  };
  await sleep(BEFORE_SEARCHES_MS);
  return { ...logged, searches: await perSecond(context, SEARCHES, search) };
}

/** What a process does at its first requests of a kind only, of either server and each of its workers, is not measured. */
async function perSecond(context: BenchContext, usual: number, work: (at: number) => Promise<unknown>): Promise<number> {
  await inParallel(0, WARM_UPS, work);
  const count = scaled(context, usual, WARM_UPS);
  return count / (await inParallel(WARM_UPS, WARM_UPS + count, work));
}

/** Those from one number up to another. @returns seconds */
async function inParallel(from: number, to: number, work: (at: number) => Promise<unknown>): Promise<number> {
  const next = { at: from };
  const began = performance.now();
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      while (next.at < to) await work(next.at++);
    }),
  );
  return (performance.now() - began) / 1000;
}

/**
 * By Node's plain client over connections that are kept: `fetch` takes three times as long for the same, and where a server
 * answers within a millisecond or two, its sender's time is time that the server does not get.
 */
async function post<Answered = unknown>(server: Server, at: string, body: object): Promise<Answered> {
  const text = JSON.stringify(body);
  const asked = request(`${server.url}/api/2.0/mlflow/${at}`, {
    agent: server.agent,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...(server.token === null ? {} : { authorization: `Bearer ${server.token}` }),
    },
  });
  asked.end(text);
  const [answer] = (await once(asked, 'response').catch((error: unknown) => {
    throw new Error(`${server.url} did not answer ${at}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  })) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  const said = Buffer.concat(parts).toString();
  if (answer.statusCode !== 200) throw new Error(`${at}: ${answer.statusCode} ${said}`);
  return JSON.parse(said) as Answered;
}

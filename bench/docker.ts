import { makeClient, type Client } from '@sodate/client/make-client.ts';
import { getRun } from '@sodate/contract/run-routes.ts';
import { RUN_STATES } from '@sodate/contract/runs.ts';
import { signIn } from '@sodate/contract/session.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { engineOrReason, type TestEngine } from '../server/executors/docker/testing/test-engine.ts';
import { provideTestImages, TEST_IMAGES } from '../server/executors/docker/testing/test-images.ts';
import { startServer } from './bench-server.ts';
import type { Bench, BenchContext } from './bench.ts';
import { scaled } from './bench.ts';
import { atLeast, atMost, explain, type Figure, quantile, rounded } from './figure.ts';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const SAMPLES = 30;
const WARM_UP = 3;
const MANY = 80;
const AT_ONCE = 4;
const START_RATIO = 1.25;
const RATE_RATIO = 0.8;
const PASSWORD = 'only for measuring';
const TENANT = 'sandbox';
const ENDED: readonly string[] = RUN_STATES.slice(-3);
/** A quarter of what AT_ONCE jobs may have together. */
const RESOURCES = { cpu: 0.5, memory: 50_000_000, gpus: 0 };
const NO_OP = ['sh', '-c', ':'];

/** Runs in containers beside what the engine does when it is called without a platform around it. */
export const dockerBench: Bench = {
  name: 'docker',
  about: 'containers: a whole start, and many, beside the bare engine',
  async measure(context) {
    const engine = await engineOrReason();
    if (typeof engine === 'string') return [explain('not measured here', engine)];
    try {
      await provideTestImages(engine.docker);
      return await measureOn(context, engine);
    } finally {
      await engine.close();
    }
  },
};

async function measureOn(context: BenchContext, engine: TestEngine): Promise<readonly Figure[]> {
  const server = await startServer({
    program: context.program,
    profile: null,
    environment: {
      SODATE_HOME: path.join(context.folder, 'docker-home'),
      SODATE_ADMIN_PASSWORD: PASSWORD,
      SODATE_PORT: '0',
      SODATE_JOB_PORT: String(await freePort()),
      SODATE_LOG_LEVEL: 'warn',
      SODATE_EXECUTORS: 'local,docker',
      DOCKER_HOST: engine.host,
      DATABASE_URL: '',
    },
  });
  const starts = await watchStarts(engine.docker);
  try {
    const session = await makeClient({ server: server.url }).call(signIn, { body: { name: 'admin', password: PASSWORD, keep: 'token' } });
    const client = makeClient({ server: server.url, token: session.token ?? '' });
    const ours: number[] = [];
    for (let at = 0; at < scaled(context, SAMPLES, 10) + WARM_UP; at += 1) ours.push(await starts.after(() => submit(client)));
    const network = await tenantNetwork(engine.docker);
    const bare: number[] = [];
    for (let at = 0; at < scaled(context, SAMPLES, 10) + WARM_UP; at += 1) bare.push(await starts.after(() => dockerRun(engine, network)));
    const [mine, its] = [ours, bare].map((samples) => quantile(samples.slice(WARM_UP), 0.5)) as [number, number];

    const count = scaled(context, MANY, 16);
    const platformRate = await perSecond(count, () => inTurns(count, AT_ONCE, () => submit(client)));
    const engineRate = await perSecond(count, () => inTurns(count, AT_ONCE, () => bareCalls(engine.docker, network)));
    return [
      atMost('a task in a container: request → start, beside `docker run`', mine / its, START_RATIO, '×'),
      explain('  in ms, p50: ours, docker run', `${rounded(mine)}, ${rounded(its)}`),
      atLeast(`${count} of them, ${AT_ONCE} at a time, beside bare calls of the engine`, platformRate / engineRate, RATE_RATIO, '×'),
      explain('  per second: ours, bare calls', `${rounded(platformRate)}, ${rounded(engineRate)}`),
    ];
  } finally {
    starts.close();
    await server.stop();
  }
}

/** Submits a no-op and waits until it has ended. */
async function submit(client: Client): Promise<void> {
  const params = { tenant: TENANT };
  const { id } = await client.call(startTask, { params, body: { name: 'no-op', image: TEST_IMAGES.sh, command: NO_OP, resources: RESOURCES } });
  for (;;) {
    await sleep(25);
    const run = await client.call(getRun, { params: { ...params, run: id } });
    if (run.state !== 'succeeded' && ENDED.includes(run.state)) throw new Error(`A run ended as ${run.state}: ${run.failure?.message ?? ''}`);
    if (run.state === 'succeeded') return;
  }
}

/** The same limits on the same network, by the engine's own command line. */
async function dockerRun({ host }: TestEngine, network: string): Promise<void> {
  const limits = ['--cpus=0.5', '--memory=50000000', '--memory-swap=50000000', '--pids-limit=4096', '--init'];
  await promisify(execFile)('docker', ['--host', host, 'run', '--rm', `--network=${network}`, ...limits, TEST_IMAGES.sh, ...NO_OP]);
}

async function bareCalls(docker: TestEngine['docker'], network: string): Promise<void> {
  const container = await docker.createContainer({
    Image: TEST_IMAGES.sh,
    Cmd: NO_OP,
    HostConfig: { NetworkMode: network, NanoCpus: 5e8, Memory: 5e7, MemorySwap: 5e7, PidsLimit: 4096, Init: true },
  });
  await container.start();
  // Of one that has ended meanwhile this is answered at once. Asked for before the start, it might be heard only after the end.
  await container.wait();
  await container.remove();
}

async function tenantNetwork(docker: TestEngine['docker']): Promise<string> {
  const found = (await docker.listNetworks()).find(({ Name }) => Name.startsWith('sodate-'));
  if (found === undefined) throw new Error('The platform has made no network for its tenant.');
  return found.Name;
}

/** When the engine itself says that it has started a container. */
async function watchStarts(docker: TestEngine['docker']): Promise<{ after(work: () => Promise<void>): Promise<number>; close(): void }> {
  const stream = await docker.getEvents({ filters: { type: ['container'], event: ['start'] } });
  const seen: number[] = [];
  createInterface({ input: stream }).on('line', (line) => void seen.push((JSON.parse(line) as { timeNano: number }).timeNano / 1e6));
  return {
    /** @returns ms from now until the one container that this starts has started */
    async after(work) {
      const before = seen.length;
      const began = Date.now();
      await work();
      while (seen.length === before) await sleep(5);
      return (seen[before] ?? Number.NaN) - began;
    },
    close: () => (stream as unknown as { destroy(): void }).destroy(),
  };
}

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return count / ((performance.now() - began) / 1000);
}

async function inTurns(count: number, atOnce: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}

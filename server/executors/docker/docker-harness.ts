import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AttemptId, RunId, TenantId } from '@sodate/contract/ids.ts';
import { systemClock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { silentLog } from '#kit/log.ts';
import type { ConformanceHarness, ConformanceJob } from '../executor-conformance.ts';
import type { Executor, LaunchSpec, LogCheckpoint } from '../executor.ts';
import { makeTestStage } from '../test-stage.ts';
import { LABELS } from './container-spec.ts';
import { type DockerOptions, makeDockerExecutor } from './docker-executor.ts';
import type { DockerHandle } from './docker-handle.ts';
import type { TenantNetworks } from './docker-network.ts';
import type { TestEngine } from './testing/test-engine.ts';
import { TEST_IMAGES } from './testing/test-images.ts';

/** For tests of this folder: an installation of its own on a private engine. */
export interface DockerHarness extends ConformanceHarness {
  readonly folder: string;
  options(): DockerOptions;
  openWith(more: Partial<DockerOptions>): Promise<Executor<DockerHandle>>;
}

export const LOG_BEGINNING: LogCheckpoint = { offset: 0, engineTime: null, entriesAtTime: 0 };

/**
 * One bridge for every tenant of an engine: what separates tenants is tested where their networks are. Made before anything
 * runs, because two at once would make two networks of one name.
 */
async function provideTestNetworks(engine: TestEngine): Promise<TenantNetworks> {
  const name = 'sodate-test';
  const known = await engine.docker.listNetworks({ filters: { name: [name] } });
  if (known.length === 0) await engine.docker.createNetwork({ Name: name, Driver: 'bridge' });
  return { ensure: async () => ({ name, extraHosts: [] }), removeUnused: async () => {} };
}

export async function makeDockerHarness(engine: TestEngine): Promise<DockerHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'sodate-docker-'));
  const installation = `test-${randomUUID()}`;
  const base = join(folder, 'stage');
  const socket = join(folder, 'docker.sock');
  await mkdir(base);
  const door = await openDoor(socket, engine.socket);
  const opened: Executor<DockerHandle>[] = [];
  const networks = await provideTestNetworks(engine);
  const options = (ofInstallation = installation): DockerOptions => ({
    host: `unix://${socket}`,
    folder: join(folder, 'state'),
    installation: ofInstallation,
    stage: makeTestStage(ofInstallation === installation ? base : join(base, ofInstallation)),
    networks,
    clock: systemClock,
    log: silentLog,
    nodeName: 'here',
    mountRoots: [base],
    minimumFreeBytes: 2 ** 20,
  });
  const openWith = async (more: Partial<DockerOptions>, ofInstallation?: string): Promise<Executor<DockerHandle>> => {
    const executor = await makeDockerExecutor({ ...options(ofInstallation), ...more });
    opened.push(executor);
    return executor;
  };
  const items = ['output', 'input', 'tmp'];
  const containers = (attempt: AttemptId): Promise<{ Id: string; State: string }[]> =>
    engine.docker.listContainers({ all: true, filters: { label: [`${LABELS.attempt}=${attempt}`] } });

  return {
    folder,
    options,
    openWith,
    open: () => openWith({}) as Promise<Executor>,
    openOther: () => openWith({}, `${installation}-b`) as Promise<Executor>,
    spec: ({ command, environment, limits, image }: ConformanceJob): LaunchSpec => ({
      attempt: newId<AttemptId>(),
      run: RunId.parse(newId()),
      tenant: TenantId.parse(newId()),
      tenantNumber: 1,
      name: 'training-12',
      node: 'here',
      image: image ?? TEST_IMAGES.bash,
      registryCredential: null,
      command,
      environment: { OUT: '/kqi/output', IN: '/kqi/input', ...environment },
      workingDirectory: '/kqi/tmp',
      limits: { cpuMilli: 1000, memoryBytes: 512 * 2 ** 20, pids: 256, ...limits },
      capabilities: 'usual',
      gpus: [],
      stagePlan: { items: items.map((name) => ({ name, kind: 'scratch' })) },
      mounts: items.map((item) => ({ item, target: `/kqi/${item}`, readOnly: item === 'input' })),
    }),
    async log(attempt) {
      const executor = await openWith({});
      return readWholeLog(executor, { attempt, container: null, imageDigest: null });
    },
    output: (attempt, file) => readFile(join(base, attempt, 'output', file), 'utf8').catch(() => null),
    timesRun: async (attempt) => (await readFile(join(base, attempt, 'output/ran'), 'utf8').catch(() => '')).split('\n').length - 1,
    async vanish(attempt) {
      for (const { Id } of await containers(attempt)) await engine.docker.getContainer(Id).remove({ force: true, v: true });
    },
    async traces(attempt) {
      const found: string[] = [];
      for (const { Id, State } of await containers(attempt)) {
        found.push(`container ${Id}`);
        if (State !== 'running') continue;
        const { Processes } = await engine.docker.getContainer(Id).top();
        for (const words of Processes) found.push(`process ${words.join(' ')}`);
      }
      for (const name of await readdir(join(folder, 'state')).catch(() => [])) {
        if (existsSync(join(folder, 'state', name, attempt))) found.push(`folder ${name}/${attempt}`);
      }
      if (existsSync(join(base, attempt))) found.push('staged folders');
      return found;
    },
    wait: () => systemClock.sleep(10),
    setReachable: door.setReachable,
    async close() {
      door.setReachable(true);
      // Whoever opens a folder clears away what a dead one left there: not beside a live one.
      await Promise.all(opened.splice(0).map((executor) => executor.close()));
      const sweeper = await openWith({});
      const foreign = await openWith({}, `${installation}-b`);
      try {
        for (const executor of [sweeper, foreign]) for (const { handle } of await executor.list()) await executor.remove(handle);
      } finally {
        await Promise.all(opened.map((executor) => executor.close()));
        await door.close();
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A socket in front of the engine's that can be shut: what an engine that died looks like from here. */
async function openDoor(path: string, behind: string): Promise<{ setReachable(reachable: boolean): void; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let isOpen = true;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (!isOpen) return void client.destroy();
    const engine = connect({ path: behind, allowHalfOpen: true });
    for (const socket of [client, engine]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        engine.destroy();
      });
    }
    client.pipe(engine).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    setReachable(reachable) {
      isOpen = reachable;
      if (!reachable) cut();
    },
    close: () =>
      new Promise((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
}

/** Everything from the beginning; the attempt must have ended. */
export async function readWholeLog(executor: Executor<DockerHandle>, handle: DockerHandle, from = LOG_BEGINNING): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const { bytes } of executor.followLog?.(handle, from, new AbortController().signal) ?? []) pieces.push(bytes);
  return Buffer.concat(pieces);
}

import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import { type Executor, type InventoryNode, isEngineUnreachable, type Observation, type StageFolders } from '../executor.ts';
import { folderExists, readBegun, readContainer, readStopped, removeFolder, takeTurn, thisProcess, writeStopped } from './attempt-folder.ts';
import { hasEverStarted, mayBeMadeUp, observeContainer } from './container-exit.ts';
import { makeContainers, shortInstallation } from './containers.ts';
import { openEngine, parseEngineHost, statusOf } from './docker-client.ts';
import { DockerHandle } from './docker-handle.ts';
import type { TenantNetworks } from './docker-network.ts';
import { followEvents, hasSeenEnd } from './engine-events.ts';
import { readBootTime, readEngineStart } from './engine-start.ts';
import { followContainerLog } from './follow-log.ts';
import { endProcessesIn } from './forgotten-processes.ts';
import { openImageCache } from './image-cache.ts';
import { makeImageProbe } from './image-probe.ts';
import { makeImages } from './images.ts';
import { type EngineInfo, readInventory } from './inventory.ts';
import { openContainerPort } from './open-port.ts';
import { makeStartAttempt } from './start-attempt.ts';
import { openContainerTerminal } from './terminal.ts';
import { usageOf } from './usage.ts';
import { runWords } from '@sodate/contract/run-words.ts';

export interface DockerOptions {
  readonly id?: string;
  /** `unix:///var/run/docker.sock`, or tcp:// on loopback. */
  readonly host: string;
  /** Its own folder, used by nobody else; made if missing. */
  readonly folder: string;
  /** The installation. Containers of another one on the same engine are never touched. */
  readonly installation: string;
  readonly stage: StageFolders;
  readonly networks: TenantNetworks;
  readonly clock: Clock;
  readonly log: Log;
  /** The machine, as every executor on it calls it. */
  readonly nodeName: string;
  /** Folders of this machine below which everything lies that stage plans are realised in. */
  readonly mountRoots: readonly string[];
  /** The name under which jobs find the platform: the one that the networks' `extraHosts` have. */
  readonly platformHost?: string | null;
  /** GPUs of this machine; none without it. */
  readonly readGpus?: () => Promise<InventoryNode['gpus']>;
  /** With less free space on the engine's disk the node reports a problem. */
  readonly minimumFreeBytes?: number;
  /** Bytes that images pulled by us may take; more is removed as soon as nothing uses it. */
  readonly imageBudgetBytes?: number;
  /** A pull that makes no progress for so many milliseconds is given up. */
  readonly stalledPullMs?: number;
}

const DEFAULT_MINIMUM_FREE_BYTES = 1024 * 2 ** 20;
const DEFAULT_IMAGE_BUDGET_BYTES = 100 * 2 ** 30;
const DEFAULT_STALLED_PULL_MS = 60_000;

/**
 * Runs attempts as containers of a Docker Engine on this machine. See README.md for how, and for what is promised.
 *
 * The engine refuses to give one name twice, so that an attempt has one container; a turn per attempt, over all processes
 * of this machine, sees to it that it is started once. What the engine forgets is kept in `<folder>/<installation>/<attempt>/`.
 */
export async function makeDockerExecutor(options: DockerOptions): Promise<Executor<DockerHandle>> {
  const { installation, stage, networks, clock, log, nodeName } = options;
  const engine = openEngine(options.host);
  const home = join(options.folder, shortInstallation(installation));
  await mkdir(home, { recursive: true, mode: 0o700 });
  const root = await realpath(home);
  const address = parseEngineHost(options.host);
  const policy = {
    mountRoots: [root, ...(await Promise.all(options.mountRoots.map((folder) => realpath(folder))))],
    engineSocket: 'socketPath' in address ? address.socketPath : null,
  };
  const me = await thisProcess();
  const bootedAt = await readBootTime();
  const cache = await openImageCache({ engine, folder: root, budgetBytes: options.imageBudgetBytes ?? DEFAULT_IMAGE_BUDGET_BYTES, clock, log });
  const images = makeImages({ engine, cache, clock, stalledPullMs: options.stalledPullMs ?? DEFAULT_STALLED_PULL_MS });
  const imageProbe = makeImageProbe(engine, installation, me);
  const containers = makeContainers(engine, installation, root);
  const listeners = new Set<(attempt: AttemptId) => void>();
  const hint = (attempt: AttemptId): void => {
    for (const listener of listeners) listener(attempt);
  };
  const starting = new Map<AttemptId, Promise<DockerHandle>>();
  /** Images that a start is about to use. */
  const wanted = new Map<AttemptId, string>();
  const closing = new AbortController();
  /** The engine's last answer about itself; null until it has given one. */
  let info: EngineInfo | null = null;

  const askInfo = async (): Promise<EngineInfo> => {
    info = (await engine.call((docker) => docker.info())) as EngineInfo;
    return info;
  };
  const engineStartedAt = (): Promise<Date | null> => readEngineStart(address, bootedAt);
  const cleanUpImages = (): Promise<void> => cache.cleanUp(new Set(wanted.values()));
  /** An engine that has been restarted since it was told to start a container may not know all that runs in it. */
  const endForgotten = async (attempt: AttemptId): Promise<void> => {
    const folder = containers.folderOf(attempt);
    const [record, begunUnder] = await Promise.all([readContainer(folder), readBegun(folder)]);
    if (record === null || begunUnder === null || begunUnder === String((await engineStartedAt())?.getTime())) return;
    const ended = await endProcessesIn(record.container, clock);
    if (ended > 0) log.warn({ attempt, container: record.container, ended }, 'The engine had forgotten a job that went on: it was ended');
  };
  const removeTraces = async (attempt: AttemptId): Promise<void> => {
    await containers.remove(attempt);
    await endForgotten(attempt);
    await stage.discard(attempt);
    await removeFolder(containers.folderOf(attempt));
  };
  const startAttempt = makeStartAttempt({
    engine,
    installation,
    containers,
    images,
    imageProbe,
    stage,
    networks,
    clock,
    log,
    policy,
    me,
    engineInfo: async () => info ?? askInfo(),
    engineStartedAt,
    keepImage(attempt, imageId) {
      if (imageId === null) wanted.delete(attempt);
      else wanted.set(attempt, imageId);
    },
    removeTraces,
  });

  const observe = async ({ attempt }: DockerHandle): Promise<Observation> => {
    const container = await containers.find(attempt);
    const folder = containers.folderOf(attempt);
    if (container !== null) {
      const stoppedBy = hasEverStarted(container) ? null : await readStopped(folder);
      const startedAt = await engineStartedAt();
      const madeUp = startedAt !== null && mayBeMadeUp(container, startedAt) && !(await hasSeenEnd(engine, container.Id, startedAt, clock.now()));
      return observeContainer({ container, madeUp, stoppedBy });
    }
    if (!(await folderExists(folder))) return { state: 'gone', reason: runWords('engine-forgot') };
    if ((await readContainer(folder)) !== null) return { state: 'gone', reason: runWords('container-removed') };
    const signal = await readStopped(folder);
    if (signal !== null) return { state: 'exited', exit: { code: null, signal, failure: null, startedAt: null, endedAt: null } };
    return { state: 'pending', phase: 'staging' };
  };

  const stop: Executor<DockerHandle>['stop'] = async ({ attempt }, order) => {
    const signal = order === 'kill' ? 'SIGKILL' : 'SIGTERM';
    const folder = containers.folderOf(attempt);
    const seen = await containers.find(attempt);
    if (seen !== null && hasEverStarted(seen)) return containers.sendSignal(attempt, signal);
    // It has not been started: now it never will be. A start that was under way may have won; then it is signalled.
    if (!(await writeStopped(folder, signal))) return;
    try {
      await takeTurn(folder, me, clock, async () => {
        const again = await containers.find(attempt);
        if (again !== null && hasEverStarted(again)) await containers.sendSignal(attempt, signal);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    hint(attempt);
  };

  let clearing: Promise<void> | null = null;
  /** Also what an engine that was away, or a death, has kept from being done. Once at a time. */
  const clearAway = (): void => {
    clearing ??= imageProbe
      .removeForgotten()
      .catch((error: unknown) => {
        if (!isEngineUnreachable(error)) log.warn({ error }, 'Containers of image probes could not be removed');
      })
      .then(cleanUpImages)
      .finally(() => (clearing = null));
  };

  await askInfo()
    .then(() => imageProbe.removeForgotten())
    .catch((error: unknown) => log.warn({ error }, 'The Docker engine does not answer yet; it is asked again'));
  const following = followEvents(engine, installation, clock, closing.signal, hint);

  return {
    id: options.id ?? 'docker',
    get capabilities() {
      return {
        images: 'any' as const,
        log: 'stream' as const,
        isolation: 'container' as const,
        enforces: { cpu: info?.CpuCfsQuota ?? true, memory: info?.MemoryLimit ?? true, pids: info?.PidsLimit ?? true },
        platformHost: options.platformHost ?? null,
      };
    },
    handleSchema: DockerHandle,
    async inventory() {
      const seen = await askInfo();
      clearAway();
      return {
        nodes: [
          await readInventory({
            info: seen,
            nodeName,
            readGpus: options.readGpus ?? (async () => []),
            minimumFreeBytes: options.minimumFreeBytes ?? DEFAULT_MINIMUM_FREE_BYTES,
          }),
        ],
      };
    },
    start(spec, signal, report = () => {}) {
      const underWay = starting.get(spec.attempt);
      if (underWay) return underWay;
      const promise = startAttempt(spec, signal, report).finally(() => {
        starting.delete(spec.attempt);
        void cleanUpImages();
      });
      starting.set(spec.attempt, promise);
      return promise;
    },
    observe,
    stop,
    async remove({ attempt }) {
      await starting.get(attempt)?.catch(() => {});
      await removeTraces(attempt);
      void cleanUpImages();
    },
    async list() {
      return (await containers.list()).map((handle) => ({ attempt: handle.attempt, handle }));
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    followLog: ({ attempt }, from, signal) =>
      followContainerLog({
        engine,
        container: containers.nameOf(attempt),
        from,
        signal: AbortSignal.any([signal, closing.signal]),
        clock,
        willNeverStart: async () => (await readStopped(containers.folderOf(attempt))) !== null,
      }),
    imageDigest: (handle) => handle.imageDigest,
    imageInfo: (image, credential) => images.info(image, credential),
    async usage({ attempt }) {
      const stats = await engine
        .call((docker) => docker.getContainer(containers.nameOf(attempt)).stats({ stream: false, 'one-shot': true }))
        .catch((error: unknown) => {
          if (statusOf(error) === 404 || statusOf(error) === 409) return null;
          throw error;
        });
      return stats === null ? null : usageOf(stats);
    },
    async openPort({ attempt }, port) {
      const container = await containers.find(attempt);
      if (container === null) throw new Error('The job does not run.');
      return openContainerPort(container, port);
    },
    async openTerminal({ attempt }, command, size) {
      const container = await containers.find(attempt);
      if (container === null || !container.State.Running) throw new Error('The job does not run.');
      return openContainerTerminal({ engine, container: container.Id, command, size, clock, log });
    },
    async close() {
      closing.abort();
      listeners.clear();
      await following;
      await clearing;
      await cache.settled();
      engine.close();
    },
  };
}

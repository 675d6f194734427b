import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type Docker from 'dockerode';
import { z } from 'zod';
import { AttemptId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import {
  EngineUnreachable,
  type Executor,
  type InventoryNode,
  isEngineUnreachable,
  isStartRefused,
  type LaunchSpec,
  type Observation,
  type StageFolders,
  type StartPhase,
  StartRefused,
} from '../executor.ts';
import {
  type AttemptFolder,
  attemptFolder,
  folderExists,
  makeFolder,
  readBegun,
  readContainer,
  readStopped,
  removeFolder,
  takeTurn,
  thisProcess,
  writeBegun,
  writeContainer,
  writeScript,
  writeStopped,
} from './attempt-folder.ts';
import { describeStartFailure, hasEverStarted, observeContainer } from './container-exit.ts';
import { assertContainerPolicy } from './container-policy.ts';
import { containerSpec, LABELS } from './container-spec.ts';
import { messageOf, openEngine, parseEngineHost, statusOf } from './docker-client.ts';
import type { TenantNetworks } from './docker-network.ts';
import { followEvents } from './engine-events.ts';
import { followContainerLog } from './follow-log.ts';
import { openImageCache } from './image-cache.ts';
import { makeImageProbe } from './image-probe.ts';
import { makeImages } from './images.ts';
import { type EngineInfo, readInventory } from './inventory.ts';
import { openContainerPort } from './open-port.ts';
import { refuseImpossible, resolveMounts } from './resolve-mounts.ts';
import { openContainerTerminal } from './terminal.ts';
import { usageOf } from './usage.ts';

export const DockerHandle = z.object({
  attempt: AttemptId,
  /** The container's id, for people; null where none had been made yet. It is always found by its name. */
  container: z.string().nullable(),
  imageDigest: z.string().nullable(),
});
export type DockerHandle = z.infer<typeof DockerHandle>;

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
const SHORT_LENGTH = 12;
/** What the engine says of a container whose earlier start it does not remember. */
const LEFT_BY_A_CRASH = /\btask [0-9a-f]{64}: already exists|\bid already in use/i;

/**
 * Runs attempts as containers of a Docker Engine on this machine. See README.md for how, and for what is promised.
 *
 * The engine refuses to give one name twice, so that an attempt has one container; a turn per attempt, over all processes
 * of this machine, sees to it that it is started once. What the engine forgets is kept in `<folder>/<installation>/<attempt>/`.
 */
export async function makeDockerExecutor(options: DockerOptions): Promise<Executor<DockerHandle>> {
  const { installation, stage, networks, clock, log, nodeName } = options;
  const engine = openEngine(options.host);
  const short = createHash('sha256').update(installation).digest('hex').slice(0, SHORT_LENGTH);
  const home = join(options.folder, short);
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

  const nameOf = (attempt: AttemptId): string => `sodate-${short}-${attempt}`;
  const folderOf = (attempt: AttemptId): AttemptFolder => attemptFolder(root, attempt);
  const find = (attempt: AttemptId): Promise<Docker.ContainerInspectInfo | null> =>
    engine
      .call((docker) => docker.getContainer(nameOf(attempt)).inspect())
      .catch((error: unknown) => {
        if (statusOf(error) === 404) return null;
        throw error;
      });
  const handleOf = (attempt: AttemptId, { Id, Config }: Docker.ContainerInspectInfo): DockerHandle => ({
    attempt,
    container: Id,
    imageDigest: Config.Labels?.[LABELS.imageDigest] ?? null,
  });
  const askInfo = async (): Promise<EngineInfo> => {
    info = (await engine.call((docker) => docker.info())) as EngineInfo;
    return info;
  };
  const cleanUpImages = (): Promise<void> => cache.cleanUp(new Set(wanted.values()));

  /** As whom a job runs. A server that is not root can give folders to nobody else, so the job has its uid. */
  const jobUserOf = (user: { readonly uid: number; readonly gid: number }): { readonly runAs: typeof user | null; readonly owner: typeof user | null } => {
    const uid = process.getuid?.() ?? 0;
    if (uid === 0) return { runAs: null, owner: user.uid === 0 ? null : user };
    // An engine without root calls its own user root inside.
    if (info?.SecurityOptions?.some((option) => option.includes('rootless'))) return { runAs: { uid: 0, gid: 0 }, owner: null };
    return { runAs: { uid, gid: process.getgid?.() ?? 0 }, owner: null };
  };

  const create = async (
    spec: LaunchSpec,
    folder: AttemptFolder,
    signal: AbortSignal,
    report: (phase: StartPhase) => void,
  ): Promise<Docker.ContainerInspectInfo> => {
    const { attempt, command } = spec;
    const networkReady = networks.ensure(spec.tenantNumber);
    networkReady.catch(() => {});
    const present = await images.ensure(spec.image, spec.registryCredential, signal, report);
    wanted.set(attempt, present.id);
    const facts = { ...present, ...(await imageProbe.look(present.id, present.user)) };
    if (command.kind === 'script' && facts.bash === null && facts.sh === null) {
      throw new StartRefused('user-error', `The image ${spec.image} has no shell, so no script can run in it: give the command as a list of words.`);
    }
    const { runAs, owner } = jobUserOf(facts.user);
    signal.throwIfAborted();
    report({ phase: 'staging' });
    const staged = await stage.realise(attempt, spec.run, spec.stagePlan, { jobUser: owner, copyInputs: false }, signal);
    if (command.kind === 'script') await writeScript(folder, command.text);
    signal.throwIfAborted();
    report({ phase: 'starting' });
    const wish = containerSpec({
      spec,
      installation,
      image: facts,
      network: await networkReady,
      mounts: await resolveMounts(spec, staged),
      scriptFile: command.kind === 'script' ? folder.script : null,
      user: runAs,
    });
    assertContainerPolicy(wish, policy);
    try {
      await engine.call((docker) => docker.createContainer({ ...wish, name: nameOf(attempt) }));
    } catch (error) {
      // Somebody else was faster; theirs was made from the same spec.
      if (statusOf(error) !== 409) throw error;
    }
    const made = await find(attempt);
    if (made === null) throw new EngineUnreachable(`The container of ${attempt} vanished while it was being made.`);
    return made;
  };

  /** Starts a container that has never been started, unless a stop came before. In its own turn: see `takeTurn`. */
  const startOnce = async (spec: LaunchSpec, folder: AttemptFolder): Promise<void> => {
    const { attempt, command } = spec;
    const seen = await find(attempt);
    if (seen === null || hasEverStarted(seen) || (await readStopped(folder)) !== null) return;
    // An engine that dies between the start and its own note of it forgets that the job has run, and would run it again.
    const engineStart = String((await readEngineStart(address, bootedAt))?.getTime());
    const begunUnder = await readBegun(folder);
    if (begunUnder !== null && begunUnder !== engineStart) return removeContainer(attempt);
    await writeBegun(folder, engineStart);
    const startIt = async (): Promise<void> => {
      try {
        await engine.call((docker) => docker.getContainer(seen.Id).start());
      } catch (error) {
        // Dying here, or not knowing whether it went through, is settled by the next look: the engine tells what has run.
        if (statusOf(error) !== 304) throw error;
      }
    };
    try {
      await startIt();
    } catch (error) {
      if (isEngineUnreachable(error)) throw error;
      // The engine died in the middle of an earlier start, and has ended what had begun. The job may have run for a moment,
      // so this attempt is over. Its record stays, which makes it `gone`.
      if (LEFT_BY_A_CRASH.test(messageOf(error))) return removeContainer(attempt);
      if (!/network/i.test(messageOf(error))) throw refusal(error, command);
      // The network went away since the container was made for it.
      await networks.ensure(spec.tenantNumber);
      await startIt().catch((again: unknown) => {
        throw isEngineUnreachable(again) ? again : refusal(again, command);
      });
    }
  };

  const begin = async (spec: LaunchSpec, signal: AbortSignal, report: (phase: StartPhase) => void): Promise<DockerHandle> => {
    const { attempt } = spec;
    const folder = folderOf(attempt);
    refuseImpossible(spec);
    signal.throwIfAborted();
    // Made first, so that whatever staging leaves in a crash belongs to an attempt that list() shows.
    await makeFolder(folder);
    let container = await find(attempt);
    if (container === null) {
      const record = await readContainer(folder);
      if (record !== null) return { attempt, ...record };
      if ((await readStopped(folder)) !== null) return { attempt, container: null, imageDigest: null };
      if (info === null) await askInfo();
      container = await create(spec, folder, signal, report).catch(async (error: unknown) => {
        // The image was removed between the look and the use of it, by an operator or by another server's clean-up.
        if (statusOf(error) !== 404 || !/no such image/i.test(messageOf(error))) throw error;
        return create(spec, folder, signal, report);
      });
    }
    const handle = handleOf(attempt, container);
    if (hasEverStarted(container)) return handle;
    await writeContainer(folder, { container: container.Id, imageDigest: handle.imageDigest ?? '' });
    signal.throwIfAborted();
    await takeTurn(folder, me, clock, () => startOnce(spec, folder));
    return handle;
  };

  const start = async (spec: LaunchSpec, signal: AbortSignal, report: (phase: StartPhase) => void): Promise<DockerHandle> => {
    try {
      return await begin(spec, signal, report);
    } catch (error) {
      if (isStartRefused(error)) {
        await removeTraces(spec.attempt);
        throw error;
      }
      if (isEngineUnreachable(error) || signal.aborted) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EAGAIN' || code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM' || code === 'EDQUOT') {
        throw new EngineUnreachable(`This machine cannot start a job now: ${(error as Error).message}`, { cause: error });
      }
      const isOurs = statusOf(error) !== null || (typeof code === 'string' && 'syscall' in (error as object));
      if (!isOurs) throw error;
      await removeTraces(spec.attempt);
      throw new StartRefused('platform', `The job's container could not be made: ${messageOf(error)}`, { cause: error });
    } finally {
      wanted.delete(spec.attempt);
    }
  };

  const observe = async ({ attempt }: DockerHandle): Promise<Observation> => {
    const container = await find(attempt);
    const folder = folderOf(attempt);
    if (container !== null) {
      const stoppedBy = hasEverStarted(container) ? null : await readStopped(folder);
      return observeContainer({ container, engineStartedAt: await readEngineStart(address, bootedAt), stoppedBy });
    }
    if (!(await folderExists(folder))) return { state: 'gone', reason: 'The engine does not know it.' };
    if ((await readContainer(folder)) !== null)
      return { state: 'gone', reason: 'Its container was removed from outside, or its engine died while it was being started.' };
    const signal = await readStopped(folder);
    if (signal !== null) return { state: 'exited', exit: { code: null, signal, failure: null, startedAt: null, endedAt: null } };
    return { state: 'pending', phase: 'staging' };
  };

  const sendSignal = async (attempt: AttemptId, signal: string): Promise<void> => {
    try {
      await engine.call((docker) => docker.getContainer(nameOf(attempt)).kill({ signal }));
    } catch (error) {
      // It has ended, or is not there any more.
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
    }
  };

  const stop: Executor<DockerHandle>['stop'] = async ({ attempt }, order) => {
    const signal = order === 'kill' ? 'SIGKILL' : 'SIGTERM';
    const folder = folderOf(attempt);
    const seen = await find(attempt);
    if (seen !== null && hasEverStarted(seen)) return sendSignal(attempt, signal);
    // It has not been started: now it never will be. A start that was under way may have won; then it is signalled.
    if (!(await writeStopped(folder, signal))) return;
    try {
      await takeTurn(folder, me, clock, async () => {
        const again = await find(attempt);
        if (again !== null && hasEverStarted(again)) await sendSignal(attempt, signal);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    hint(attempt);
  };

  const removeContainer = async (attempt: AttemptId): Promise<void> => {
    try {
      await engine.call((docker) => docker.getContainer(nameOf(attempt)).remove({ force: true, v: true }));
    } catch (error) {
      // 409: somebody is removing it already.
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
      if (statusOf(error) === 409 && (await find(attempt)) !== null) {
        throw new EngineUnreachable(`The container of ${attempt} cannot be removed now: ${messageOf(error)}`, { cause: error });
      }
    }
  };

  const removeTraces = async (attempt: AttemptId): Promise<void> => {
    await removeContainer(attempt);
    await stage.discard(attempt);
    await removeFolder(folderOf(attempt));
  };

  /** Also what an engine that was away, or a death, has kept from being done. */
  const clearAway = async (): Promise<void> => {
    await imageProbe.removeForgotten().catch((error: unknown) => {
      if (!isEngineUnreachable(error)) log.warn({ error }, 'Containers of image probes could not be removed');
    });
    await cleanUpImages();
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
      void clearAway();
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
      const promise = start(spec, signal, report).finally(() => {
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
      const containers = await engine.call((docker) =>
        docker.listContainers({ all: true, filters: { label: [`${LABELS.installation}=${installation}`, LABELS.attempt] } }),
      );
      const found = new Map<AttemptId, DockerHandle>();
      for (const { Id, Labels } of containers) {
        const attempt = AttemptId.safeParse(Labels[LABELS.attempt]).data;
        if (attempt !== undefined) found.set(attempt, { attempt, container: Id, imageDigest: Labels[LABELS.imageDigest] ?? null });
      }
      for (const name of await readdir(root)) {
        const attempt = AttemptId.safeParse(name).data;
        if (attempt === undefined || found.has(attempt)) continue;
        found.set(attempt, { attempt, ...((await readContainer(folderOf(attempt))) ?? { container: null, imageDigest: null }) });
      }
      return [...found].map(([attempt, handle]) => ({ attempt, handle }));
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    followLog: ({ attempt }, from, signal) =>
      followContainerLog({
        engine,
        container: nameOf(attempt),
        from,
        signal: AbortSignal.any([signal, closing.signal]),
        clock,
        willNeverStart: async () => (await readStopped(folderOf(attempt))) !== null,
      }),
    imageDigest: (handle) => handle.imageDigest,
    imageInfo: (image, credential) => images.info(image, credential),
    async usage({ attempt }) {
      const stats = await engine
        .call((docker) => docker.getContainer(nameOf(attempt)).stats({ stream: false, 'one-shot': true }))
        .catch((error: unknown) => {
          if (statusOf(error) === 404 || statusOf(error) === 409) return null;
          throw error;
        });
      return stats === null ? null : usageOf(stats);
    },
    async openPort({ attempt }, port) {
      const container = await find(attempt);
      if (container === null) throw new Error('The job does not run.');
      return openContainerPort(container, port);
    },
    async openTerminal({ attempt }, command, size) {
      const container = await find(attempt);
      if (container === null || !container.State.Running) throw new Error('The job does not run.');
      return openContainerTerminal({ engine, container: container.Id, command, size, clock, log });
    },
    async close() {
      closing.abort();
      listeners.clear();
      await following;
      await cache.settled();
      engine.close();
    },
  };
}

function refusal(error: unknown, command: LaunchSpec['command']): StartRefused {
  const program = command.kind === 'list' ? (command.argv[0] ?? '') : 'the script';
  const failure = describeStartFailure(messageOf(error), program);
  return new StartRefused(failure.class, failure.message, { cause: error });
}

/**
 * When the engine was last started, as far as can be seen: it makes its socket anew, or has its pid file beside it. Never
 * before the machine.
 */
async function readEngineStart(address: ReturnType<typeof parseEngineHost>, bootedAt: Date | null): Promise<Date | null> {
  if (!('socketPath' in address)) return bootedAt;
  const files = [address.socketPath, join(dirname(address.socketPath), 'docker.pid')];
  const times = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  const latest = Math.max(...times, bootedAt?.getTime() ?? 0);
  return latest === 0 ? null : new Date(latest);
}

/** When this machine was started; null where there is no /proc. */
async function readBootTime(): Promise<Date | null> {
  const seconds = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8').catch(() => ''))?.[1];
  return seconds === undefined ? null : new Date(Number(seconds) * 1000);
}

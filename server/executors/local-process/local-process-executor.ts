import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AttemptId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import { EngineUnreachable, type Executor, isStartRefused, type LaunchSpec, type Observation, type StageFolders, StartRefused } from '../executor.ts';
import {
  type AttemptFolder,
  attemptFolder,
  folderExists,
  hasStarted,
  makeDurability,
  makeFolder,
  readExit,
  readNote,
  readStarted,
  removeFolder,
  takeAsStopped,
} from './attempt-folder.ts';
import { openCgroups, readCgroupTrees } from './cgroups.ts';
import { chooseSandbox, type IsolationChoice } from './choose-sandbox.ts';
import { isMonitorAlive, killEverything, killJob, terminateJob } from './end-processes.ts';
import { describeExit, parseFacts } from './exit-record.ts';
import { askNvidiaSmi, parseGpus, rememberFor } from './gpus.ts';
import { diskProblem, machineSize } from './machine.ts';
import { makeLauncher } from './launcher.ts';
import { IMAGE, makePlanner, refuseImpossible } from './prepare-plan.ts';
import { checkTools, isLocked, removeLeftovers, writePrograms } from './programs.ts';
import { makeUserFiles } from './user-files.ts';
import { runText, runWords } from '@sodate/contract/run-words.ts';

export const LocalProcessHandle = z.object({ attempt: AttemptId });
export type LocalProcessHandle = z.infer<typeof LocalProcessHandle>;

export interface LocalProcessOptions {
  readonly id?: string;
  /** Its own folder, used by nobody else; made if missing. */
  readonly folder: string;
  /** The installation. Attempts of another one in the same folder are never touched. */
  readonly platform: string;
  readonly stage: StageFolders;
  readonly clock: Clock;
  readonly log: Log;
  /** The machine, as every executor on it calls it. */
  readonly nodeName: string;
  /** The running Node (`process.execPath`): jobs find it as `node`. */
  readonly nodePath: string;
  /** Further files and folders of the machine that every job may read. */
  readonly visiblePaths?: readonly string[];
  readonly isolation?: IsolationChoice;
  readonly cgroups?: 'auto' | 'off';
  /** Jobs of tenant n run as this uid and gid + n where the server is root. */
  readonly firstJobUser?: number;
  /** With less free space on the folder's disk the node reports a problem. */
  readonly minimumFreeBytes?: number;
  /** Answers what `nvidia-smi` says about GPUs. */
  readonly askGpus?: () => Promise<string>;
}

const DEFAULT_FIRST_JOB_USER = 700_000;
const DEFAULT_MINIMUM_FREE_BYTES = 256 * 2 ** 20;
/** Between creating `started` and writing into it, or writing the record of a stop: an instant, unless somebody died there. */
const TAKING_MS = 5000;
/** nvidia-smi takes up to a second, and a fork of the server. */
const GPU_MEMORY_MS = 60_000;
/** How often exits of jobs that an earlier server started are looked for; those of our own are events. */
const ADOPTED_POLL_MS = 500;

/**
 * Runs attempts as processes of this machine. See README.md for how, and for what is isolated.
 *
 * All state is in `<folder>/<platform>/<attempt>/`; several executor objects may work on one folder, in one process or in
 * many. A monitor per attempt, which needs no server, holds the attempt's lock, starts the job once, and records its end.
 */
export async function makeLocalProcessExecutor(options: LocalProcessOptions): Promise<Executor<LocalProcessHandle>> {
  const { platform, stage, clock, log, nodeName } = options;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(platform)) throw new Error(`The platform id ${JSON.stringify(platform)} cannot be part of a path.`);
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const root = await realpath(options.folder);
  const home = join(root, platform);
  await mkdir(home, { recursive: true, mode: 0o700 });

  await removeLeftovers(root, clock);
  await checkTools(root);
  const programs = await writePrograms(root);
  const cgroups = options.cgroups === 'off' ? null : await openCgroups(platform, clock);
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown')).trim();
  const hasBash = existsSync('/bin/bash') || existsSync('/usr/bin/bash');
  const { sandbox, host, check } = await chooseSandbox({
    folder: root,
    choice: options.isolation ?? 'auto',
    nodePath: options.nodePath,
    visiblePaths: options.visiblePaths ?? [],
    programs,
    firstJobUser: options.firstJobUser ?? DEFAULT_FIRST_JOB_USER,
    log,
  });

  const durability = makeDurability(home);
  const preparePlan = makePlanner({ sandbox, host, programs, bootId, nodePath: options.nodePath, userFiles: makeUserFiles(root), hasBash });
  const launcher = makeLauncher({ programs, clock, home, cgroups: cgroups?.folders ?? [], onEnded: (attempt) => hint(attempt) });
  const listeners = new Set<(attempt: AttemptId) => void>();
  const hint = (attempt: AttemptId): void => {
    for (const listener of listeners) listener(attempt);
  };
  const starting = new Map<AttemptId, Promise<LocalProcessHandle>>();
  /** Attempts known to have ended with nothing of them alive. */
  const settled = new Set<AttemptId>();
  /** Attempts whose exit was observed, with nothing of them alive: nothing but their removal changes that. */
  const over = new Set<AttemptId>();
  let sandboxProblem: string | null = null;
  let closed = false;

  const readGpus = rememberFor(GPU_MEMORY_MS, clock, async () => parseGpus(await (options.askGpus ?? askNvidiaSmi)().catch(() => '')));

  const begin = async (spec: LaunchSpec, signal: AbortSignal): Promise<LocalProcessHandle> => {
    const { attempt } = spec;
    const handle = { attempt };
    const folder = attemptFolder(home, attempt);
    refuseImpossible(spec);
    signal.throwIfAborted();
    // Made first, so that whatever staging leaves in a crash belongs to an attempt that list() shows.
    const isNew = makeFolder(folder);
    if (!isNew) {
      if (hasStarted(folder)) return handle;
      // Prepared before the machine was started again: whether it ran then is not certain, since `started` may not have
      // reached the disk. It counts as run; observe says gone.
      const recorded = readExit(folder);
      if (recorded?.record.kind === 'prepared' && recorded.record.boot !== bootId) return handle;
    }
    const jobUser = sandbox.jobUser(spec.tenantNumber);
    const [staged] = await Promise.all([
      stage.realise(attempt, spec.run, spec.stagePlan, { jobUser, copyInputs: sandbox.kind === 'none' }, signal),
      durability.sync(),
    ]);
    const command = await preparePlan(spec, folder, staged, isNew);
    const limits = cgroups?.create(attempt, spec.limits) ?? [];
    signal.throwIfAborted();

    await launcher.launch({ attempt, logFile: staged.logFile, limits, command }, () => hasStarted(folder));
    // Run by the server's own user, `>/dev/stderr` in a job would truncate its log; without the right to open it, it fails.
    if (jobUser === null && process.getuid?.() !== 0) await chmod(staged.logFile, 0o400).catch(() => {});
    return handle;
  };

  const start = async (spec: LaunchSpec, signal: AbortSignal): Promise<LocalProcessHandle> => {
    try {
      return await begin(spec, signal);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (isStartRefused(error)) {
        await removeTraces(spec.attempt);
        throw error;
      }
      if (code === 'ENOSPC' || code === 'EAGAIN' || code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM' || code === 'EDQUOT') {
        throw new EngineUnreachable(`This machine cannot start a job now: ${(error as Error).message}`, { cause: error });
      }
      if (typeof code === 'string' && 'syscall' in (error as object)) {
        await removeTraces(spec.attempt);
        throw new StartRefused('platform', runWords('files-not-prepared', { said: (error as Error).message }), { cause: error });
      }
      throw error;
    }
  };

  /** True when nothing of the attempt lives, after ending what should not. */
  const settle = async (attempt: AttemptId, folder: AttemptFolder): Promise<boolean> => {
    if (settled.has(attempt)) return true;
    if (await isLocked(folder.lock)) {
      log.warn({ attempt }, 'Processes of an attempt have outlived its monitor: ending them');
      await killEverything(attempt, cgroups, clock);
      if (await isLocked(folder.lock)) return false;
    }
    settled.add(attempt);
    return true;
  };

  const observe = async (handle: LocalProcessHandle): Promise<Observation> => {
    const seen = await look(handle);
    if (seen.state === 'exited') over.add(handle.attempt);
    return seen;
  };

  const look = async ({ attempt }: LocalProcessHandle): Promise<Observation> => {
    const folder = attemptFolder(home, attempt);
    const started = readStarted(folder);
    if (started === null) {
      if (!folderExists(folder)) return { state: 'gone', reason: runWords('no-trace') };
      const recorded = readExit(folder);
      if (recorded?.record.kind === 'prepared' && recorded.record.boot !== bootId) return { state: 'gone', reason: runWords('machine-restarted') };
      return { state: 'pending', phase: recorded === null ? 'staging' : 'starting' };
    }
    if (started.stoppedBy !== null) {
      return { state: 'exited', exit: { code: null, signal: started.stoppedBy, failure: null, startedAt: null, endedAt: started.at } };
    }
    let recorded = readExit(folder);
    if (recorded === null || recorded.record.kind === 'prepared') {
      if (started.monitor === null && clock.now().getTime() - started.at.getTime() < TAKING_MS) return { state: 'pending', phase: 'starting' };
      if (started.monitor !== null && (await isMonitorAlive(started.monitor))) return { state: 'running' };
      // It is dead now; if it ever wrote a record, that was before.
      recorded = readExit(folder);
    }
    if (recorded?.record.kind === 'exit') {
      // Without a namespace or a cgroup, processes may have outlived the job's first one. The lock finds those whose
      // environment could not be read, as in the middle of an exec; the environment those that have closed the lock.
      if (!sandbox.endsWholeTree && cgroups === null && !settled.has(attempt)) {
        await killEverything(attempt, cgroups, clock);
        if (!(await settle(attempt, folder))) return { state: 'running' };
      }
      const note = readNote(folder);
      // The end of a sandbox that was killed from outside may be on record some moments before its last process dies.
      if (!note.endsWith('ended\n') && !(await settle(attempt, folder))) return { state: 'running' };
      const exit = describeExit({
        record: recorded.record,
        note,
        facts: parseFacts(recorded.text),
        startedAt: started.at,
        endedAt: recorded.writtenAt,
      });
      if (exit.failure?.class === 'platform') sandboxProblem = runText(exit.failure.words);
      return { state: 'exited', exit };
    }
    if (!(await settle(attempt, folder))) return { state: 'running' };
    return { state: 'gone', reason: runWords('vanished') };
  };

  const stop: Executor<LocalProcessHandle>['stop'] = async ({ attempt }, order) => {
    const folder = attemptFolder(home, attempt);
    // A start that is under way and has not come that far finds the attempt taken.
    if (starting.has(attempt)) makeFolder(folder);
    if (!folderExists(folder)) return;
    if (takeAsStopped(folder, order === 'kill' ? 'SIGKILL' : 'SIGTERM')) return hint(attempt);
    const started = readStarted(folder);
    if (!started) return;
    const monitor = started.monitor;
    if (monitor && (await isMonitorAlive(monitor))) {
      await (order === 'kill' ? killJob(attempt, monitor, cgroups, clock) : terminateJob(monitor, clock));
    } else if (order === 'kill') await settle(attempt, folder);
  };

  const removeTraces = async (attempt: AttemptId): Promise<void> => {
    const folder = attemptFolder(home, attempt);
    const isOver = async (): Promise<boolean> => over.has(attempt) || ['exited', 'gone'].includes((await look({ attempt })).state);
    if (!(await isOver())) {
      await stop({ attempt }, 'kill');
      if (!(await isOver()) && !(await settle(attempt, folder))) throw new EngineUnreachable(`Processes of ${attempt} cannot be killed now.`);
    }
    await cgroups?.remove(attempt);
    await stage.discard(attempt);
    await removeFolder(folder);
    settled.delete(attempt);
    over.delete(attempt);
  };

  const knownAttempts = async (): Promise<AttemptId[]> => {
    const names = await readdir(home).catch((error: NodeJS.ErrnoException) => {
      throw new EngineUnreachable(`The folder ${home} cannot be read: ${error.message}`, { cause: error });
    });
    return names.flatMap((name) => AttemptId.safeParse(name).data ?? []);
  };

  /** Hints for jobs that an earlier server started: their exits are no events of ours. */
  const watchAdopted = async (): Promise<void> => {
    const waiting = new Set((await knownAttempts()).filter((attempt) => !starting.has(attempt)));
    while (!closed && waiting.size > 0) {
      for (const attempt of waiting) {
        if (starting.has(attempt)) {
          waiting.delete(attempt);
          continue;
        }
        const folder = attemptFolder(home, attempt);
        if (readExit(folder)?.record.kind === 'prepared') {
          const started = readStarted(folder);
          if (started === null || (started.monitor && (await isMonitorAlive(started.monitor)))) continue;
        }
        waiting.delete(attempt);
        hint(attempt);
      }
      await clock.sleep(ADOPTED_POLL_MS, closing.signal);
    }
  };
  const closing = new AbortController();
  void watchAdopted().catch((error: unknown) => log.warn({ error }, 'Jobs of an earlier server are watched by observation only'));

  return {
    id: options.id ?? 'local',
    capabilities: {
      images: [IMAGE],
      log: 'file',
      isolation: sandbox.kind === 'none' ? 'none' : 'sandbox',
      enforces: cgroups?.enforces ?? { cpu: false, memory: false, pids: false },
      platformHost: null,
    },
    handleSchema: LocalProcessHandle,
    async inventory() {
      if (sandboxProblem !== null) {
        const stillBroken = await check();
        sandboxProblem = stillBroken;
      }
      const size = await machineSize(readCgroupTrees());
      const gpus = await readGpus();
      const problem = sandboxProblem ?? (await diskProblem(root, options.minimumFreeBytes ?? DEFAULT_MINIMUM_FREE_BYTES));
      return { nodes: [{ name: nodeName, ...size, gpus, problem }] };
    },
    start(spec, signal) {
      const underWay = starting.get(spec.attempt);
      if (underWay) return underWay;
      const promise = start(spec, signal).finally(() => starting.delete(spec.attempt));
      starting.set(spec.attempt, promise);
      return promise;
    },
    observe,
    stop,
    async remove({ attempt }) {
      await starting.get(attempt)?.catch(() => {});
      await removeTraces(attempt);
    },
    async list() {
      return (await knownAttempts()).map((attempt) => ({ attempt, handle: { attempt } }));
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      closed = true;
      closing.abort();
      launcher.close();
      listeners.clear();
      await durability.close();
      await cgroups?.close();
    },
  };
}

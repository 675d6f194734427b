import type Docker from 'dockerode';
import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import { EngineUnreachable, isEngineUnreachable, isStartRefused, type LaunchSpec, type StageFolders, type StartPhase, StartRefused } from '../executor.ts';
import {
  type AttemptFolder,
  makeFolder,
  readBegun,
  readContainer,
  readStopped,
  takeTurn,
  type TurnTaker,
  writeBegun,
  writeContainer,
  writeScript,
} from './attempt-folder.ts';
import { describeStartFailure, hasEverStarted } from './container-exit.ts';
import { assertContainerPolicy, type ContainerPolicy } from './container-policy.ts';
import { containerSpec, LABELS } from './container-spec.ts';
import type { Containers } from './containers.ts';
import type { DockerHandle } from './docker-handle.ts';
import { type EngineClient, messageOf, statusOf } from './docker-client.ts';
import type { TenantNetworks } from './docker-network.ts';
import type { ImageProbe } from './image-probe.ts';
import type { Images } from './images.ts';
import type { EngineInfo } from './inventory.ts';
import { refuseImpossible, resolveMounts } from './resolve-mounts.ts';
import { runWords } from '@sodate/contract/run-words.ts';

export interface StartParts {
  readonly engine: EngineClient;
  readonly installation: string;
  readonly containers: Containers;
  readonly images: Images;
  readonly imageProbe: ImageProbe;
  readonly stage: StageFolders;
  readonly networks: TenantNetworks;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: ContainerPolicy;
  readonly me: TurnTaker;
  engineInfo(): Promise<EngineInfo>;
  engineStartedAt(): Promise<Date | null>;
  /** The image that a start is about to use, which must not be cleared away; null when it does not need it any more. */
  keepImage(attempt: LaunchSpec['attempt'], imageId: string | null): void;
  removeTraces(attempt: LaunchSpec['attempt']): Promise<void>;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** What the engine says of a container whose earlier start it does not remember. */
const LEFT_BY_A_CRASH = /\btask [0-9a-f]{64}: already exists|\bid already in use/i;

/** `start` of the port: from a launch spec to a container that was told to run, once. */
export function makeStartAttempt(parts: StartParts): (spec: LaunchSpec, signal: AbortSignal, report: (phase: StartPhase) => void) => Promise<DockerHandle> {
  const { engine, installation, containers, images, imageProbe, stage, networks, clock, log, policy, me } = parts;

  /** As whom a job runs. A server that is not root can give folders to nobody else, so the job has its uid. */
  const jobUserOf = async (user: User): Promise<{ readonly runAs: User | null; readonly owner: User | null }> => {
    const uid = process.getuid?.() ?? 0;
    if (uid === 0) return { runAs: null, owner: user.uid === 0 ? null : user };
    // An engine without root calls its own user root inside.
    if ((await parts.engineInfo()).SecurityOptions?.some((option) => option.includes('rootless'))) return { runAs: { uid: 0, gid: 0 }, owner: null };
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
    parts.keepImage(attempt, present.id);
    const facts = { ...present, ...(await imageProbe.look(present.id, present.user)) };
    if (command.kind === 'script' && facts.bash === null && facts.sh === null) {
      throw new StartRefused('user-error', runWords('image-without-shell', { image: spec.image }));
    }
    const { runAs, owner } = await jobUserOf(facts.user);
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
      await engine.call((docker) => docker.createContainer({ ...wish, name: containers.nameOf(attempt) }));
    } catch (error) {
      // Somebody else was faster; theirs was made from the same spec.
      if (statusOf(error) !== 409) throw error;
    }
    const made = await containers.find(attempt);
    if (made === null) throw new EngineUnreachable(`The container of ${attempt} vanished while it was being made.`);
    return made;
  };

  const giveUpFor = (attempt: LaunchSpec['attempt'], why: string): Promise<void> => {
    log.warn({ attempt, why }, 'The engine died while it was starting a container: the job may have run for a moment, and is not started again');
    return containers.remove(attempt);
  };

  /** Starts a container that has never been started, unless a stop came before. In its own turn: see `takeTurn`. */
  const startOnce = async (spec: LaunchSpec, folder: AttemptFolder): Promise<void> => {
    const { attempt, command } = spec;
    const seen = await containers.find(attempt);
    if (seen === null || hasEverStarted(seen) || (await readStopped(folder)) !== null) return;
    // An engine that dies between the start and its own note of it forgets that the job has run, and would run it again.
    const engineStart = String((await parts.engineStartedAt())?.getTime());
    const begunUnder = await readBegun(folder);
    if (begunUnder !== null && begunUnder !== engineStart) return giveUpFor(attempt, 'the engine was started anew since it was told to start it');
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
      if (LEFT_BY_A_CRASH.test(messageOf(error))) return giveUpFor(attempt, messageOf(error));
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
    const folder = containers.folderOf(attempt);
    refuseImpossible(spec);
    signal.throwIfAborted();
    // Made first, so that whatever staging leaves in a crash belongs to an attempt that list() shows.
    await makeFolder(folder);
    let container = await containers.find(attempt);
    if (container === null) {
      const record = await readContainer(folder);
      if (record !== null) return { attempt, ...record };
      if ((await readStopped(folder)) !== null) return { attempt, container: null, imageDigest: null };
      container = await create(spec, folder, signal, report).catch(async (error: unknown) => {
        // The image was removed between the look and the use of it, by an operator or by another server's clean-up.
        if (statusOf(error) !== 404 || !/no such image/i.test(messageOf(error))) throw error;
        return create(spec, folder, signal, report);
      });
    }
    const handle = { attempt, container: container.Id, imageDigest: container.Config.Labels?.[LABELS.imageDigest] ?? null };
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
        await parts.removeTraces(spec.attempt);
        throw error;
      }
      if (isEngineUnreachable(error) || signal.aborted) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EAGAIN' || code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM' || code === 'EDQUOT') {
        throw new EngineUnreachable(`This machine cannot start a job now: ${(error as Error).message}`, { cause: error });
      }
      const isOurs = statusOf(error) !== null || (typeof code === 'string' && 'syscall' in (error as object));
      if (!isOurs) throw error;
      await parts.removeTraces(spec.attempt);
      throw new StartRefused('platform', runWords('container-not-made', { said: messageOf(error) }), { cause: error });
    } finally {
      parts.keepImage(spec.attempt, null);
    }
  };

  return start;
}

function refusal(error: unknown, command: LaunchSpec['command']): StartRefused {
  const program = command.kind === 'list' ? (command.argv[0] ?? '') : null;
  const failure = describeStartFailure(messageOf(error), program);
  return new StartRefused(failure.class, failure.words, { cause: error });
}

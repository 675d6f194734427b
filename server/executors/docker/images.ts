import { createHash } from 'node:crypto';
import type Docker from 'dockerode';
import type { Clock } from '#kit/clock.ts';
import { EngineUnreachable, type ImageInfo, isEngineUnreachable, type RegistryCredential, type StartPhase, StartRefused } from '../executor.ts';
import { type EngineClient, messageOf, statusOf } from './docker-client.ts';
import type { ImageCache } from './image-cache.ts';
import { engineReference, familiarReference, familiarRepository, parseImage } from './image-reference.ts';
import { describePullFailure } from './pull-failure.ts';
import { makePullProgress } from './pull-progress.ts';
import { runWords, type RunWords } from '@sodate/contract/run-words.ts';

export interface Images {
  /** The image on this engine, pulled if need be. @throws {StartRefused} `image-pull`, with what to do about it */
  ensure(image: string, credential: RegistryCredential | null, signal: AbortSignal, report: (phase: StartPhase) => void): Promise<PresentImage>;
  info(image: string, credential: RegistryCredential | null): Promise<ImageInfo>;
}

export interface PresentImage {
  readonly id: string;
  readonly digest: string;
  /** `USER`, as it stands in the image. */
  readonly user: string;
}

export interface ImagesOptions {
  readonly engine: EngineClient;
  readonly cache: ImageCache;
  readonly clock: Clock;
  /** A pull that makes no progress for so many milliseconds is given up. */
  readonly stalledPullMs: number;
}

/**
 * For so long nobody asks the registry again about an image that we pulled, by a tag, for the same credential. Asking costs
 * a round trip per start; not asking starts an older image for so long after a tag was moved.
 */
const PROOF_MS = 10 * 60_000;

interface Pull {
  readonly done: Promise<void>;
  readonly listeners: Set<(phase: StartPhase) => void>;
  readonly abort: AbortController;
  waiting: number;
}

const authOf = (credential: RegistryCredential | null): Docker.AuthConfig | undefined =>
  credential === null ? undefined : { username: credential.userName, password: credential.password.reveal(), serveraddress: credential.registry };

/** One mark per reference and credential: whoever comes with another one has to show it to the registry. */
const markOf = (reference: string, credential: RegistryCredential | null): string =>
  createHash('sha256')
    .update(JSON.stringify([reference, credential === null ? null : [credential.registry, credential.userName, credential.password.reveal()]]))
    .digest('base64url');

/** An engine also finds images by the beginning of their id, which is no name that somebody gave them here. */
const bearsName = ({ RepoTags, RepoDigests }: Docker.ImageInspectInfo, image: string): boolean =>
  [...(RepoTags ?? []), ...(RepoDigests ?? [])].includes(engineReference(familiarReference(image)));

export function makeImages({ engine, cache, clock, stalledPullMs }: ImagesOptions): Images {
  const pulls = new Map<string, Pull>();
  let architecture: Promise<string> | null = null;

  const inspect = (reference: string): Promise<Docker.ImageInspectInfo | null> =>
    engine
      .call((docker) => docker.getImage(reference).inspect())
      .catch((error: unknown) => {
        if (statusOf(error) === 404) return null;
        if (statusOf(error) === 400)
          throw new StartRefused('image-pull', runWords('image-name-refused', { image: JSON.stringify(reference), said: messageOf(error) }));
        throw error;
      });

  const fail = (image: string, said: string, credential: RegistryCredential | null): never => {
    const failure = describePullFailure(image, said, credential !== null);
    if (failure.kind === 'engine') throw new EngineUnreachable(failure.message);
    throw failure.kind === 'no-answer' ? new RegistrySilent(failure.words) : new StartRefused('image-pull', failure.words);
  };

  const pull = async (image: string, credential: RegistryCredential | null, own: Pull): Promise<void> => {
    const stalled = new AbortController();
    const signal = AbortSignal.any([own.abort.signal, stalled.signal]);
    let timer: NodeJS.Timeout | undefined;
    const moved = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => stalled.abort(), stalledPullMs);
    };
    const progress = makePullProgress();
    moved();
    try {
      const parsed = parseImage(image);
      // Only the repository and one of tag and digest: without either the engine would pull every tag.
      const stream = (await engine.docker.createImage(authOf(credential) ?? {}, {
        fromImage: parsed.repository,
        tag: parsed.digest ?? parsed.tag ?? 'latest',
        abortSignal: signal,
      })) as NodeJS.ReadableStream & { destroy(): void };
      const stop = (): void => stream.destroy();
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      stream.setEncoding('utf8');
      let before = '';
      for await (const text of stream) {
        // The engine repeats its words while it waits for a registry: only new ones are progress.
        if (text !== before) moved();
        before = String(text);
        const failure = progress.push(before);
        if (failure !== null) fail(image, failure, credential);
        const fraction = progress.fraction();
        for (const report of own.listeners) report(fraction === null ? { phase: 'pulling' } : { phase: 'pulling', progress: fraction });
      }
      signal.throwIfAborted();
    } catch (error) {
      if (stalled.signal.aborted) {
        throw new RegistrySilent(runWords('registry-silent', { image, seconds: stalledPullMs / 1000 }));
      }
      own.abort.signal.throwIfAborted();
      if (error instanceof StartRefused || isEngineUnreachable(error)) throw error;
      if (statusOf(error) === null) throw new EngineUnreachable(`The Docker engine broke off the pull of ${image}: ${messageOf(error)}`, { cause: error });
      fail(image, messageOf(error), credential);
    } finally {
      clearTimeout(timer);
    }
  };

  /** One pull per reference and credential, whoever waits for it; it ends early only when all of them have given up. */
  const sharedPull = async (
    key: string,
    image: string,
    credential: RegistryCredential | null,
    signal: AbortSignal,
    report: (phase: StartPhase) => void,
  ): Promise<void> => {
    let shared = pulls.get(key);
    if (!shared) {
      const own: { -readonly [Key in keyof Pull]: Pull[Key] } = { done: Promise.resolve(), listeners: new Set(), abort: new AbortController(), waiting: 0 };
      own.done = pull(image, credential, own).finally(() => pulls.delete(key));
      shared = own;
      pulls.set(key, shared);
    }
    const mine = shared;
    mine.waiting += 1;
    mine.listeners.add(report);
    report({ phase: 'pulling' });
    let giveUp: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      giveUp = () => reject(signal.reason as Error);
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
    });
    try {
      await Promise.race([mine.done, aborted]);
    } finally {
      if (giveUp) signal.removeEventListener('abort', giveUp);
      mine.listeners.delete(report);
      mine.waiting -= 1;
      if (mine.waiting === 0) {
        mine.abort.abort();
        pulls.delete(key);
        mine.done.catch(() => {});
      }
    }
  };

  const info: Images['info'] = async (image, credential) => {
    const parsed = parseImage(image);
    const authconfig = authOf(credential);
    try {
      const { Descriptor, Platforms } = await engine.call(
        (docker) => docker.getImage(engineReference(parsed)).distribution(authconfig ? { authconfig } : {}),
        stalledPullMs,
      );
      return {
        digest: Descriptor.digest,
        platforms: (Platforms ?? []).map(({ os, architecture: processor, variant }) => [os, processor, variant].filter((part) => part).join('/')),
      };
    } catch (error) {
      if (statusOf(error) === null) throw error;
      return fail(image, messageOf(error), credential);
    }
  };

  /** Gets an image that is not here, or not known to be for this caller, and notes that it is ours. */
  const pullAndInspect = async (wanted: {
    readonly image: string;
    readonly reference: string;
    readonly mark: string;
    readonly credential: RegistryCredential | null;
    readonly signal: AbortSignal;
    readonly report: (phase: StartPhase) => void;
    readonly isHere: boolean;
  }): Promise<Docker.ImageInspectInfo> => {
    const { image, reference, mark, credential, signal, report, isHere } = wanted;
    await cache.begin(reference);
    let pulled: Docker.ImageInspectInfo | null;
    try {
      // An engine that has an image by its digest does not ask the registry whether this caller may have it.
      if (isHere && reference.includes('@')) await info(image, credential);
      else await sharedPull(mark, image, credential, signal, report);
      pulled = await inspect(reference);
      if (pulled === null) throw new EngineUnreachable(`The image ${image} was removed while it was pulled.`);
    } catch (error) {
      await (error instanceof StartRefused ? cache.giveUp(reference) : cache.leave(reference));
      throw error;
    }
    await cache.remember(pulled.Id, reference, mark);
    return pulled;
  };

  const present = async (image: string, found: Docker.ImageInspectInfo): Promise<PresentImage> => {
    architecture ??= engine.call((docker) => docker.version()).then(({ Arch }) => Arch);
    const expected = await architecture.catch((error: unknown) => {
      architecture = null;
      throw error;
    });
    if (found.Os !== 'linux' || found.Architecture !== expected) {
      throw new StartRefused('image-pull', runWords('image-made-for', { image, made: `${found.Os}/${found.Architecture}`, expected: `linux/${expected}` }));
    }
    const { repository } = parseImage(image);
    const named = (found.RepoDigests ?? []).find((each) => each.slice(0, each.indexOf('@')) === familiarRepository(repository));
    cache.touch(found.Id);
    return { id: found.Id, digest: named?.slice(named.indexOf('@') + 1) ?? found.Id, user: found.Config.User ?? '' };
  };

  return {
    async ensure(image, credential, signal, report) {
      const parsed = parseImage(image);
      const reference = engineReference(parsed);
      const mark = markOf(reference, credential);
      const local = await inspect(reference);
      const provedAtMs = local && cache.provedAtMs(local.Id, mark);
      if (local) {
        const isFresh = provedAtMs !== null && (parsed.digest !== null || clock.now().getTime() - provedAtMs < PROOF_MS);
        if (isFresh || (bearsName(local, image) && !cache.isOurs(local.Id, reference))) return present(image, local);
      }
      const pulled = await pullAndInspect({ image, reference, mark, credential, signal, report, isHere: local !== null }).catch((error: unknown) => {
        // A registry that is down keeps nobody from an image that is here, if they could have it before.
        if (error instanceof RegistrySilent && local && provedAtMs !== null) return null;
        throw error;
      });
      return present(image, pulled ?? (local as Docker.ImageInspectInfo));
    },
    info,
  };
}

/** Refused like any pull, but the image may be here already. */
class RegistrySilent extends StartRefused {
  constructor(words: RunWords) {
    super('image-pull', words);
  }
}

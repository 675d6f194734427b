import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { z } from 'zod';
import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import { isEngineUnreachable } from '../executor.ts';
import { type EngineClient, statusOf } from './docker-client.ts';
import { engineReference, familiarReference } from './image-reference.ts';

const PulledImage = z.object({
  /** The names under which we pulled it. */
  references: z.array(z.string()),
  /** Who has shown that they may have it: marks of (reference, credential), with the time in milliseconds. */
  proofs: z.record(z.string(), z.number()),
  usedAtMs: z.number(),
});
type PulledImage = z.infer<typeof PulledImage>;
const Memory = z.object({
  images: z.record(z.string(), PulledImage),
  /** References that are being pulled, written down before: whoever dies in a pull leaves an image that is ours all the same. */
  pulling: z.array(z.string()),
});
/**
 * What was being pulled when its end was missed is looked for so long. Whoever asked has dropped the line, which ends a
 * pull; an image that comes up later is somebody else's.
 */
const LEFT_MS = 10 * 60_000;
const NOTHING: z.infer<typeof Memory> = { images: {}, pulling: [] };

/**
 * The images we pulled, least recently used first out when they take more than a budget. An image that the operator
 * pulled, loaded or built is not in here: it is never removed, and every tenant may use it.
 */
export interface ImageCache {
  /**
   * Whether an image is here under this reference because we pulled it. One that the operator has under another name is
   * theirs under that one, whoever pulled the same image since.
   */
  isOurs(imageId: string, reference: string): boolean;
  /** When a holder of this mark last showed the registry that they may have the image, in milliseconds; null if never. */
  provedAtMs(imageId: string, mark: string): number | null;
  /** A pull of an image that is not here begins. To be called before it, so that a death in between leaves nothing unknown. */
  begin(reference: string): Promise<void>;
  /** The registry or its answer ended the pull: nothing has come of it. */
  giveUp(reference: string): Promise<void>;
  /** Nobody has heard how the pull ended, as when the engine died in it: what may have come of it is ours. */
  leave(reference: string): Promise<void>;
  remember(imageId: string, reference: string, mark: string): Promise<void>;
  touch(imageId: string): void;
  /** Removes what no container uses until the rest fits the budget. Runs once at a time. */
  cleanUp(keep: ReadonlySet<string>): Promise<void>;
  /** Resolves when nothing is being removed or written. */
  settled(): Promise<void>;
}

export interface ImageCacheOptions {
  readonly engine: EngineClient;
  /** Where the memory of what we pulled is kept. */
  readonly folder: string;
  /** Bytes that images pulled by us may take, as the engine counts them: shared layers once per image. */
  readonly budgetBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

export async function openImageCache({ engine, folder, budgetBytes, clock, log }: ImageCacheOptions): Promise<ImageCache> {
  const file = join(folder, 'images.json');
  // A process that was killed between the two steps of saving left them.
  for (const name of await readdir(folder)) if (name.startsWith('images.json.')) await rm(join(folder, name), { force: true });
  const memory = await readMemory(file, log);
  const images = new Map<string, PulledImage>(Object.entries(memory.images));
  const nowMs = (): number => clock.now().getTime();
  /** Pulls of this process, with how many wait for each; and those whose end was missed, by this process or an earlier one, with since when. */
  const pulling = new Map<string, number>();
  const left = new Map(memory.pulling.map((reference) => [reference, nowMs()]));
  let saving: Promise<void> = Promise.resolve();
  let cleaning: Promise<void> | null = null;
  let wanted: { readonly keep: ReadonlySet<string> } | null = null;

  const save = (): Promise<void> => {
    // One that failed, as on a full disk, must not keep the later ones from being tried.
    saving = saving
      .catch(() => {})
      .then(async () => {
        const temporary = `${file}.${randomUUID()}`;
        await writeFile(temporary, JSON.stringify({ images: Object.fromEntries(images), pulling: [...new Set([...pulling.keys(), ...left.keys()])] }), {
          mode: 0o600,
        });
        await rename(temporary, file);
      });
    return saving;
  };

  const removeImage = async (imageId: string, { references }: PulledImage): Promise<boolean> => {
    const seen = await inspectOrNull(imageId);
    if (seen === null) return true;
    // Somebody gave it a name of their own: it is theirs now as well.
    const names = references.map((reference) => engineReference(familiarReference(reference)));
    if ((seen.RepoTags ?? []).some((tag) => !names.includes(tag))) return true;
    // By its id at last: an engine that dies between the names and the image leaves one without a name.
    for (const name of [...(seen.RepoTags ?? []), ...(seen.RepoDigests ?? []), imageId]) {
      try {
        await engine.call((docker) => docker.getImage(name).remove());
      } catch (error) {
        if (statusOf(error) === 409) return false;
        if (statusOf(error) !== 404) throw error;
      }
    }
    return true;
  };

  /** One that the engine cannot remove, damaged by its own death perhaps, keeps no other from being removed. */
  const removeOrTell = (imageId: string, image: PulledImage): Promise<boolean> =>
    removeImage(imageId, image).catch((error: unknown) => {
      if (isEngineUnreachable(error)) throw error;
      log.warn({ error, imageId, references: image.references }, 'An image that is not used any more could not be removed');
      return false;
    });

  /** What was pulled and nobody noted. Nobody has shown that they may have it, so it is for nobody yet. */
  const takeUpLeft = async (): Promise<void> => {
    for (const [reference, sinceMs] of left) {
      const seen = await inspectOrNull(reference);
      if (seen === null) {
        if (nowMs() - sinceMs > LEFT_MS) left.delete(reference);
        continue;
      }
      const known = images.get(seen.Id) ?? { references: [], proofs: {}, usedAtMs: nowMs() };
      images.set(seen.Id, { ...known, references: [...new Set([...known.references, reference])] });
      left.delete(reference);
    }
  };

  const inspectOrNull = (name: string): Promise<Docker.ImageInspectInfo | null> =>
    engine
      .call((docker) => docker.getImage(name).inspect())
      .catch((error: unknown) => {
        if (statusOf(error) === 404) return null;
        throw error;
      });

  /** What was looked at, and not what a start has pulled and noted in the meantime. */
  const forget = (imageId: string, image: PulledImage): void => {
    if (images.get(imageId) === image) images.delete(imageId);
  };

  const clean = async (keep: ReadonlySet<string>): Promise<void> => {
    await takeUpLeft();
    const before = [...images];
    const present = new Map((await engine.call((docker) => docker.listImages())).map(({ Id, Size }) => [Id, Size]));
    for (const [imageId, image] of before) if (!present.has(imageId)) forget(imageId, image);
    const inUse = new Set((await engine.call((docker) => docker.listContainers({ all: true }))).map(({ ImageID }) => ImageID));
    let bytes = [...images.keys()].reduce((sum, imageId) => sum + (present.get(imageId) ?? 0), 0);
    const oldestFirst = [...images].sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs);
    for (const [imageId, image] of oldestFirst) {
      if (bytes <= budgetBytes) break;
      if (inUse.has(imageId) || keep.has(imageId) || !(await removeOrTell(imageId, image))) continue;
      bytes -= present.get(imageId) ?? 0;
      forget(imageId, image);
    }
    await save();
  };

  const cleanWhileWanted = async (): Promise<void> => {
    while (wanted !== null) {
      const { keep } = wanted;
      wanted = null;
      await clean(keep).catch((error: unknown) => {
        if (!isEngineUnreachable(error)) log.warn({ error }, 'Images that are not used any more could not be removed');
      });
    }
  };

  const ended = (reference: string): void => {
    const waiting = (pulling.get(reference) ?? 1) - 1;
    if (waiting > 0) pulling.set(reference, waiting);
    else pulling.delete(reference);
  };

  return {
    isOurs(imageId, reference) {
      const asked = familiarReference(reference);
      return (images.get(imageId)?.references ?? []).some((pulled) => {
        const known = familiarReference(pulled);
        // A pull by any tag makes the image known by its digest, too.
        return known.repository === asked.repository && (asked.digest !== null || known.tag === asked.tag);
      });
    },
    provedAtMs: (imageId, mark) => images.get(imageId)?.proofs[mark] ?? null,
    async begin(reference) {
      pulling.set(reference, (pulling.get(reference) ?? 0) + 1);
      await save();
    },
    async giveUp(reference) {
      ended(reference);
      await save();
    },
    async leave(reference) {
      ended(reference);
      left.set(reference, nowMs());
      await save();
    },
    async remember(imageId, reference, mark) {
      ended(reference);
      left.delete(reference);
      const known = images.get(imageId) ?? { references: [], proofs: {}, usedAtMs: 0 };
      images.set(imageId, {
        references: [...new Set([...known.references, reference])],
        proofs: { ...known.proofs, [mark]: nowMs() },
        usedAtMs: nowMs(),
      });
      await save();
    },
    touch(imageId) {
      const image = images.get(imageId);
      if (image) image.usedAtMs = nowMs();
    },
    cleanUp(keep) {
      if (images.size === 0 && left.size === 0) return Promise.resolve();
      // What is asked for while it is under way may concern what it has looked at already: then it is done once more.
      wanted = { keep };
      cleaning ??= cleanWhileWanted().finally(() => (cleaning = null));
      return cleaning;
    },
    async settled() {
      await cleaning;
      // Whoever asked for it has heard how it ended.
      await saving.catch(() => {});
    },
  };
}

async function readMemory(file: string, log: Log): Promise<z.infer<typeof Memory>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return JSON.stringify(NOTHING);
    throw error;
  });
  try {
    return Memory.parse(JSON.parse(text));
  } catch (error) {
    log.warn({ error, file }, 'The list of pulled images cannot be read: they count as the operator’s own, and stay');
    return NOTHING;
  }
}

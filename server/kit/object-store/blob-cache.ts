import type { Clock } from '#kit/clock.ts';
import { isDiskFull } from '#kit/db/database-errors.ts';
import { openFetchPlaces } from '#kit/object-store/fetch-places.ts';
import type { FileHasher } from '#kit/object-store/file-hasher.ts';
import { furtherCopy, objectFolders } from '#kit/object-store/object-folders.ts';
import type { BlobId } from '#kit/object-store/object-store.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { setMaxListeners } from 'node:events';
import { createWriteStream, type Dirent, statSync, unlinkSync } from 'node:fs';
import { chmod, link, mkdir, open, readdir, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A blob, or the rest of one, on its way from where it is kept. */
export interface FetchedBlob {
  /** Of these bytes. */
  readonly length: number;
  readonly bytes: Readable;
}

export interface BlobCacheOptions {
  /** `<home>/cache`: on the file system of what is linked from it, used by one cache alone. */
  readonly folder: string;
  /** Files that nothing links any more are removed, those first that were not used for longest, to stay below it. */
  readonly budgetBytes: number;
  readonly hasher: FileHasher;
  readonly clock: Clock;
  /**
   * @param start the first byte that is wanted
   * @throws an error with the code ENOENT when there is no such blob; a RangeError when it does not have that byte
   */
  readonly fetch: (tenant: TenantId, blob: BlobId, start: number) => Promise<FetchedBlob>;
}

/**
 * Blobs that were fetched to this machine, as files to link or copy from. A file is there whole or not at all: it is
 * fetched under another name and linked to its own when its bytes are durable and its digest is right. The time of a
 * file's last use is its access time, so that a restart forgets nothing; its time of change is left alone, since jobs see
 * it. What a staged data set links is never removed, for that would free nothing.
 *
 * A fetch that the end of the process cut off goes on where it was when the next process is asked for that blob; what
 * nobody asks for goes after a day, or before everything else that was not used for longer.
 */
export interface BlobCache {
  /** Whatever `file` names after this stays until the returned function is called. */
  hold(): () => void;
  /** Only within a hold. Those who ask for the same at once share one fetch, which goes on from earlier bytes only with a digest. */
  file(tenant: TenantId, blob: BlobId, digest?: string): Promise<string>;
  /** A name for a temporary file, removed at the next start. */
  temporary(): string;
  drop(tenant: TenantId, blob: BlobId): Promise<void>;
  /** Ends fetches. */
  close(): void;
}

/** Fetches at once. */
const FETCHES_LIMIT = 16;
/** When the budget is exceeded, so much more is removed, lest every fetch looks through the whole folder. */
const SLACK = 0.1;
const READ_ONLY = 0o444;

interface CachedFile {
  readonly file: string;
  readonly size: number;
  readonly usedMs: number;
}

export function openBlobCache({ folder, budgetBytes, hasher, clock, fetch }: BlobCacheOptions): BlobCache {
  const folders = objectFolders(folder);
  const places = openFetchPlaces(path.join(folder, 'fetching'), clock);
  const underWay = new Map<string, Promise<string>>();
  const holds = new Set<{ readonly since: number }>();
  const ended = new AbortController();
  // One listener for each fetch.
  setMaxListeners(0, ended.signal);
  const turns = makeTurns(FETCHES_LIMIT);
  /** Bytes of what is cached, being fetched and left over of fetches; null until somebody has looked. */
  let total: number | null = null;
  /** While what is held exceeds the budget, looking through the folder is worth it only when much more has come. */
  let lookAgainAbove = 0;
  let clearing: Promise<void> = Promise.resolve();
  /** Room for what is being fetched, by the file it is written into. */
  const reserved = new Map<string, number>();
  const reservedBytes = (): number => [...reserved.values()].reduce((sum, bytes) => sum + bytes, 0);

  const heldSince = (): number => Math.min(...[...holds].map(({ since }) => since), Infinity);
  const newestHold = (): number => Math.max(...[...holds].map(({ since }) => since), -Infinity);

  /** @returns whether it is there, and now counts as used */
  const use = async (file: string): Promise<boolean> => {
    try {
      const { atimeMs, mtime } = await stat(file);
      // Of what counts as used since the oldest hold began nothing is removed (see `clear`): since the newest, so that it
      // stays whichever holds end first. Nobody may be left who holds: then nothing has to stay.
      const since = newestHold();
      if (atimeMs < since) await utimes(file, new Date(Math.max(clock.now().getTime(), since)), mtime);
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  };

  /** Looks at what is there, and removes of it what has to go for `needed` bytes more. */
  const clear = async (needed: number): Promise<void> => {
    const files: CachedFile[] = [];
    let found = 0;
    for await (const file of filesBelow(folders.objects)) {
      const seen = await stat(file).catch(() => null);
      if (seen === null) continue;
      found += seen.size;
      if (seen.nlink === 1) files.push({ file, size: seen.size, usedMs: seen.atimeMs });
    }
    for (const file of await places.list()) {
      const seen = await stat(file).catch(() => null);
      if (seen === null || seen.nlink > 1 || reserved.has(file)) continue;
      found += seen.size;
      if (!places.isTaken(file)) files.push({ file, size: seen.size, usedMs: seen.mtimeMs });
    }
    total = found + reservedBytes();
    const aim = total + needed > budgetBytes ? budgetBytes * (1 - SLACK) : budgetBytes;
    for (const { file, size } of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (total + needed <= aim) break;
      // Looked at and removed without a pause: whoever marks it as used does so before, and it stays, or finds it gone.
      const seen = statSync(file, { throwIfNoEntry: false });
      if (seen === undefined || seen.nlink > 1 || seen.atimeMs >= heldSince() - 1 || places.isTaken(file)) continue;
      unlinkSync(file);
      total -= size;
    }
    lookAgainAbove = total + needed > budgetBytes ? (total + needed) * (1 + SLACK) : 0;
  };

  /** @param there bytes of an earlier fetch that `total` has counted */
  const makeRoom = async (place: string, length: number, there: number): Promise<void> => {
    const mine = clearing.then(async () => {
      const needed = length - there;
      if (total === null || total + needed > Math.max(budgetBytes, lookAgainAbove)) await clear(needed);
      total = (total ?? 0) + needed;
      reserved.set(place, length);
    });
    // What failed for this one need not for the next.
    clearing = mine.catch(() => {});
    return mine;
  };

  /** @returns how long the whole is */
  const fetchInto = async (place: string, tenant: TenantId, blob: BlobId, there: number): Promise<number> => {
    // From the last byte that is there: also of a whole file, which has no byte behind it to ask for.
    const start = Math.max(0, there - 1);
    const { length, bytes } = await fetch(tenant, blob, start);
    try {
      await makeRoom(place, start + length, there);
      const file = createWriteStream(place, there > 0 ? { flags: 'r+', start } : { flags: 'w', mode: 0o600 });
      await pipeline(bytes, file, { signal: ended.signal });
      return start + length;
    } catch (error) {
      total = null;
      throw error;
    } finally {
      reserved.delete(place);
      bytes.destroy();
    }
  };

  /** @throws Changed when what is there by then is not the blob */
  const fetchWhole = async (place: string, tenant: TenantId, blob: BlobId, digest: string | undefined, there: number): Promise<void> => {
    const length = await fetchInto(place, tenant, blob, there);
    const { size } = await stat(place);
    if (size !== length) throw new Changed(blob, `${size} of ${length} bytes came`);
    if (digest === undefined || length === 0) return;
    const actual = await hasher.finish(`cache ${place} ${there}`, place, length);
    if (actual !== digest) throw new Changed(blob, `their digest is ${actual}, not ${digest}`);
  };

  /** Only with a digest: nothing else tells whether the bytes of an earlier process are the beginning of these. */
  const goOn = async (place: string, tenant: TenantId, blob: BlobId, digest: string | undefined): Promise<void> => {
    const there = await places.take(place);
    if (there > 0 && digest !== undefined) {
      try {
        return await fetchWhole(place, tenant, blob, digest, there);
      } catch (error) {
        if (!(error instanceof Changed || error instanceof RangeError)) throw error;
      }
    }
    await rm(place, { force: true });
    total = there > 0 ? null : total;
    await fetchWhole(place, tenant, blob, digest, 0);
  };

  const bring = async (tenant: TenantId, blob: BlobId, digest: string | undefined): Promise<string> => {
    const file = folders.blobFile(tenant, blob);
    const place = places.fileOf(tenant, blob);
    try {
      await goOn(place, tenant, blob, digest);
      await chmod(place, READ_ONLY);
      await makeDurable(place);
      await mkdir(folders.blobFolder(tenant, blob), { recursive: true, mode: 0o700 });
      await link(place, file).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      await use(file);
      await rm(place);
      return file;
    } catch (error) {
      // The next process goes on with what is there; nobody else does.
      if (!ended.signal.aborted || digest === undefined || (await sizeOf(place)) === 0) await rm(place, { force: true });
      throw isDiskFull(error) ? new SodateError('disk-full', { place: 'the cache of this machine' }, { cause: error }) : error;
    } finally {
      places.release(place);
    }
  };

  return {
    hold() {
      const held = { since: clock.now().getTime() };
      holds.add(held);
      return () => {
        holds.delete(held);
        lookAgainAbove = 0;
      };
    },
    async file(tenant, blob, digest) {
      const file = folders.blobFile(tenant, blob);
      for (let other = underWay.get(file); other !== undefined; other = underWay.get(file)) {
        await other;
        // Used once more: the other may have looked at it before this hold began.
        if (await use(file)) return file;
      }
      const bringing = (async () => ((await use(file)) ? file : turns(() => bring(tenant, blob, digest))))().finally(() => underWay.delete(file));
      underWay.set(file, bringing);
      return bringing;
    },
    temporary: places.temporary,
    async drop(tenant, blob) {
      const file = folders.blobFile(tenant, blob);
      for (let copy = 1; await isRemoved(furtherCopy(file, copy)); copy += 1);
      const place = places.fileOf(tenant, blob);
      const left = !places.isTaken(place) && (await isRemoved(place));
      if ((await isRemoved(file)) || left) total = null;
    },
    close: () => ended.abort(new Error('The object store is closed')),
  };
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

class Changed extends SodateError {
  constructor(blob: BlobId, how: string) {
    super('object-store-unavailable', { reason: `the bytes of the file content ${blob} are not those that were stored: ${how}` });
  }
}

const sizeOf = async (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

async function isRemoved(file: string): Promise<boolean> {
  try {
    unlinkSync(file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function makeDurable(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* filesBelow(folder: string): AsyncIterable<string> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(at);
    else yield at;
  }
}

/** Runs at most `limit` pieces of work at once; the others wait in line. */
function makeTurns(limit: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let free = limit;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

import type { DataFile } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { Backoff } from './backoff.ts';
import type { Digests } from './digests.ts';
import { forEachOf } from './for-each-of.ts';
import { BUNDLED_UP_TO_BYTES } from './in-bundles.ts';
import type { Client } from './make-client.ts';
import { makePartMemory } from './part-memory.ts';
import { sendBundles } from './upload-bundles.ts';
import { readOpenUploads, sendInParts } from './upload-parts.ts';
import { digestOf, type RefusedFile, refusedNames, type SourceFile } from './upload-source.ts';
import { concernsOneFile, storedFiles, toRefused, type UploadWork } from './upload-work.ts';

export { type RefusedFile, type SourceFile, SourceTrouble } from './upload-source.ts';

export interface UploadProgress {
  readonly files: number;
  /** Files that have become part of the data, or were there. */
  readonly filesDone: number;
  readonly bytes: number;
  /** Sent, there already, or left out with a refused file. */
  readonly bytesSent: number;
}

export interface UploadOptions {
  readonly tenant: string;
  readonly data: string;
  readonly files: readonly SourceFile[];
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Parts or bundles under way at once; each is held in memory, 16 MiB at most. */
  readonly concurrency?: number | undefined;
  readonly backoff?: Backoff | undefined;
  /** With them parts and files are compared end to end: what arrived otherwise is sent again, or refused. */
  readonly digests?: Digests | undefined;
  /**
   * Goes on where an earlier upload ended, in this process or another: files that are there with the same content are
   * left out (`by-size`: with the same size), and of files that were cut off only the missing parts are sent. The content
   * can only be compared with `digests`.
   */
  readonly resume?: 'by-content' | 'by-size' | undefined;
  /** Hears of files that are left out, and the others go on. Without it the first one ends the upload with its error. */
  readonly onRefused?: ((file: RefusedFile) => void) | undefined;
  /** Files up to so many bytes travel together, many in one request; 0 = none do. At most 1 MiB, which is the default. */
  readonly bundleUpToBytes?: number | undefined;
  /** Send parts to the object store itself where the server says so. Not from web pages: the store does not know their origin. */
  readonly direct?: boolean | undefined;
}

const DEFAULT_CONCURRENCY = 4;
const COMPARED_TOGETHER = 4;
/** Some two minutes: a server that is started anew, a network that is away for a while. */
const TRANSFER_BACKOFF: Backoff = { retries: 16, firstDelayMs: 300, longestDelayMs: 10_000 };

/**
 * Puts files into a data: small ones in bundles, others in parts. A part or bundle that does not arrive is sent again, and
 * only that one. Names are checked before anything is sent.
 * @returns the files that have become part of the data, without those that were there
 */
export async function uploadFiles(client: Client, options: UploadOptions): Promise<readonly DataFile[]> {
  const stored: DataFile[] = [];
  const count = { files: options.files.length, filesDone: 0, bytes: options.files.reduce((sum, file) => sum + file.size, 0), bytesSent: 0 };
  const report = (): void => options.onProgress?.({ ...count });
  const work: UploadWork = {
    client,
    tenant: options.tenant,
    data: options.data,
    signal: options.signal,
    backoff: options.backoff ?? TRANSFER_BACKOFF,
    concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    memory: makePartMemory(),
    digests: options.digests ?? null,
    direct: options.direct ?? false,
    sent(bytes) {
      count.bytesSent += bytes;
      report();
    },
    stored(files) {
      stored.push(...files);
      count.filesDone += files.length;
      report();
    },
    refuse({ name }, trouble) {
      if (options.onRefused === undefined) throw trouble;
      options.onRefused(toRefused(name, trouble));
    },
  };

  const odd = refusedNames(options.files);
  for (const [file, trouble] of odd) {
    work.refuse(file, trouble);
    work.sent(file.size);
  }
  let files = options.files.filter((file) => !odd.has(file));
  if (options.resume !== undefined) {
    const there = await findThere(work, files, options.resume);
    count.filesDone += [...there.values()].filter((isThere) => isThere).length;
    files = files.filter((file) => !there.has(file));
  }
  const bundleUpTo = Math.min(options.bundleUpToBytes ?? BUNDLED_UP_TO_BYTES, BUNDLED_UP_TO_BYTES);
  const small = files.filter((file) => file.size <= bundleUpTo && bundleUpTo > 0);
  const large = files.filter((file) => file.size > bundleUpTo || bundleUpTo === 0);
  await sendBundles(work, small);
  const open = options.resume !== undefined && large.length > 0 ? await readOpenUploads(work) : new Map();
  await sendInParts(work, large, open);
  report();
  return stored;
}

/** @returns those that need not be sent: they are there (true), or there is another one of their name, which has been refused (false) */
async function findThere(work: UploadWork, files: readonly SourceFile[], how: 'by-content' | 'by-size'): Promise<ReadonlyMap<SourceFile, boolean>> {
  const byName = new Map(files.map((file) => [file.name, file]));
  const found: { readonly file: SourceFile; readonly stored: DataFile }[] = [];
  for await (const stored of storedFiles(work)) {
    const file = byName.get(stored.name);
    if (file !== undefined) found.push({ file, stored });
  }
  const there = new Map<SourceFile, boolean>();
  await forEachOf(found, COMPARED_TOGETHER, work.signal, async ({ file, stored }, signal) => {
    let equal = false;
    try {
      const { digests } = work;
      equal = file.size === stored.size && (how === 'by-size' || (digests !== null && (await digestOf(file, digests, signal)) === stored.digest));
      if (!equal) work.refuse(file, new SodateError('name-taken', { thing: 'file', name: file.name }));
    } catch (error) {
      if (!concernsOneFile(error)) throw error;
      work.refuse(file, error);
    }
    there.set(file, equal);
    work.sent(file.size);
  });
  return there;
}

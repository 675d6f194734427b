import type { Clock } from '#kit/clock.ts';
import { forEachTogether } from '#kit/for-each-together.ts';
import { openBlobCache } from '#kit/object-store/blob-cache.ts';
import { isDiskFull } from '#kit/db/database-errors.ts';
import { makeFileHasher } from '#kit/object-store/file-hasher.ts';
import { linkFiles } from '#kit/object-store/link-files.ts';
import { type BlobId, type BlobLink, type ObjectStore, partLengthOf } from '#kit/object-store/object-store.ts';
import { readS3Object } from '#kit/object-store/s3/read-s3-object.ts';
import { openS3 } from '#kit/object-store/s3/s3-connection.ts';
import { makeS3Direct } from '#kit/object-store/s3/s3-direct.ts';
import { isMissing, isPastEnd, toStoreError } from '#kit/object-store/s3/s3-errors.ts';
import { s3Keys } from '#kit/object-store/s3/s3-keys.ts';
import { makeS3Pending } from '#kit/object-store/s3/s3-pending.ts';
import type { S3Patience, S3Settings } from '#kit/object-store/s3/s3-settings.ts';
import { makeS3Uploads } from '#kit/object-store/s3/s3-uploads.ts';
import { spoolPart } from '#kit/object-store/s3/spool-part.ts';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { UPLOAD_PART_BYTES } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';
import { rmSync } from 'node:fs';
import path from 'node:path';

export interface S3ObjectStoreOptions {
  readonly settings: S3Settings;
  /** Holds `cache/`: parts on their way to the bucket, and blobs that were fetched. Only one store may work on it. */
  readonly home: string;
  readonly cacheBytes: number;
  readonly clock: Clock;
  readonly patience?: S3Patience;
  readonly workers?: { readonly hash: URL; readonly link: URL };
}

/** S3 takes no more parts of one object. */
const PARTS_LIMIT = 10_000;
const MEBIBYTE = 1024 * 1024;
const TOGETHER = 16;
/** Links whose blobs are looked for before the first of them is made. */
const LINKS_AHEAD = 128;

/**
 * Blobs as objects `objects/<tenant>/<xx>/<blob>` below the prefix of a bucket, what is pending as `uploads/<tenant>/<id>`
 * (see s3-pending). Parts are parts of S3's multipart uploads, so that sealing copies nothing but small files. Files are
 * linked from a cache on this machine. Whoever else may write to the bucket could change blobs: it must be Sodate's alone.
 */
export function makeS3ObjectStore({ settings, home, cacheBytes, clock, patience, workers = sourceWorkers() }: S3ObjectStoreOptions): ObjectStore {
  const s3 = openS3(settings, clock, patience);
  const keys = s3Keys(settings.prefix);
  const hasher = makeFileHasher(workers.hash);
  const pending = makeS3Pending(s3, keys);
  const uploads = makeS3Uploads({ s3, keys, pending, hasher, clientsSend: settings.publicEndpoint !== null });
  const direct = settings.publicEndpoint === null ? null : makeS3Direct({ s3, keys, pending, uploads, publicEndpoint: settings.publicEndpoint });
  const spool = path.join(home, 'cache', 'parts');
  // Of a process that died. Their parts were never acknowledged.
  rmSync(spool, { recursive: true, force: true });
  /** Announced by this process: known to name no multipart upload. */
  const announced = new Set<BlobId>();

  const open: typeof readS3Object = async (...asked) => {
    try {
      return await readS3Object(...asked);
    } catch (error) {
      if (isPastEnd(error)) throw new RangeError('The object ends before this byte', { cause: error });
      throw isMissing(error) ? Object.assign(new Error('There is no such object'), { code: 'ENOENT' }) : error;
    }
  };
  const cache = openBlobCache({
    folder: path.join(home, 'cache'),
    budgetBytes: cacheBytes,
    hasher,
    clock,
    fetch: (tenant, blob, start) => open(s3, keys.blob(tenant, blob), start === 0 ? undefined : { start, end: Infinity }),
  });

  /** Each link with the file its blob is in by then, in order; the next ones are being fetched meanwhile. */
  async function* withFiles(tenant: TenantId, links: Iterable<BlobLink> | AsyncIterable<BlobLink>, signal: AbortSignal) {
    const ahead: { readonly target: string; readonly file: Promise<string> }[] = [];
    for await (const { blob, target, digest } of links) {
      const file = cache.file(tenant, blob, digest);
      // Looked at in its turn.
      file.catch(() => {});
      ahead.push({ target, file });
      const next = ahead.length >= LINKS_AHEAD ? ahead.shift() : undefined;
      if (next) yield { target: next.target, source: await orAborted(next.file, signal) };
    }
    for (const { target, file } of ahead) yield { target, source: await orAborted(file, signal) };
  }

  return {
    partSize: (size) => Math.max(UPLOAD_PART_BYTES, Math.ceil(size / PARTS_LIMIT / MEBIBYTE) * MEBIBYTE),
    direct,

    writePart: (upload, part, body, signal) =>
      orDiskFull(() =>
        spoolPart({ folder: spool, hasher }, { part, length: partLengthOf(upload, part) }, body, signal, async (bytes) => {
          await uploads.write(upload, part, bytes);
          return bytes.crc32;
        }),
      ),

    async seal(asked) {
      const digests = new Map<UploadId, { readonly digest: string }>();
      await forEachTogether(asked, TOGETHER, async (upload) => void digests.set(upload.id, { digest: await uploads.seal(upload) }));
      return digests;
    },

    async read(tenant, blob, range) {
      try {
        return (await readS3Object(s3, keys.blob(tenant, blob), range)).bytes;
      } catch (error) {
        if (isPastEnd(error)) throw toStoreError(error, settings);
        throw isMissing(error) ? new SodateError('not-found', { thing: 'file content', reference: blob }) : error;
      }
    },

    async linkBlobs(tenant, links, how, signal) {
      signal.throwIfAborted();
      const letGo = cache.hold();
      try {
        await orDiskFull(() =>
          linkFiles({ worker: workers.link, links: withFiles(tenant, links, signal), toFiles: (link) => link, how, temporary: cache.temporary, signal }),
        );
      } finally {
        letGo();
      }
    },

    freeBytes: async () => null,

    async markForRemoval(tenant, blobs) {
      await forEachTogether(blobs, TOGETHER, async (blob) => {
        await pending.mark(tenant, blob);
        announced.add(blob);
      });
    },

    async removeBlob(tenant, blob) {
      await s3.call((client, options) => client.send(new DeleteObjectCommand({ Bucket: settings.bucket, Key: keys.blob(tenant, blob) }), options));
      await cache.drop(tenant, blob);
    },

    async forget(tenant, id) {
      await pending.forget(tenant, id, uploads.isPlain(id as UploadId) || announced.has(id as BlobId));
      uploads.drop(id as UploadId);
      announced.delete(id as BlobId);
    },

    listPending: () => pending.list(),

    async close() {
      cache.close();
      s3.close();
      await hasher.close();
    },
  };
}

const sourceWorkers = () => ({ hash: new URL('../hash-worker.ts', import.meta.url), link: new URL('../link-worker.ts', import.meta.url) });

async function orDiskFull<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw isDiskFull(error) ? new SodateError('disk-full', { place: 'the server' }, { cause: error }) : error;
  }
}

/** Ends the wait, not the work: what is fetched is of use to the next who asks. */
function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

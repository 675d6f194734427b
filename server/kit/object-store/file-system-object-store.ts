import { isDiskFull } from '#kit/db/database-errors.ts';
import { makeFileHasher } from '#kit/object-store/file-hasher.ts';
import { linkFiles } from '#kit/object-store/link-files.ts';
import { furtherCopy, objectFolders } from '#kit/object-store/object-folders.ts';
import { blobOfUpload, type ObjectStore, partCountOf, partLengthOf, type UploadShape } from '#kit/object-store/object-store.ts';
import { syncFolder } from '#kit/object-store/sync-folder.ts';
import { writeRegion } from '#kit/object-store/write-region.ts';
import { newId } from '#kit/ids.ts';
import { UPLOAD_PART_BYTES } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { TenantId, UploadId } from '@sodate/contract/ids.ts';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { chmod, type FileHandle, link, mkdir, open, readdir, stat, statfs, unlink } from 'node:fs/promises';

/** Reading in 64 KiB pieces halves the throughput of a download. */
const READ_BYTES = 1024 * 1024;
/** Uploads sealed at the same time; each waits for the disk or for a digest. */
const SEAL_TOGETHER = 8;
const SEALED_MODE = 0o444;

export interface FileSystemObjectStoreOptions {
  /** Holds `objects/` and `uploads/`. Only one store may work on it, and it must be one file system for links to be free. */
  readonly home: string;
  /** The threads' own files: from the bundle, or the sources beside this one. */
  readonly workers?: { readonly hash: URL; readonly link: URL };
}

/** What is known of an upload that is being received, in memory only: it saves time, and nothing is lost with it. */
interface Receiving {
  readonly whole: Set<number>;
  writers: number;
  /** The digest follows up to here. */
  followedParts: number;
}

/**
 * Blobs as files `objects/<tenant>/<xx>/<blob>`, uploads as files `uploads/<tenant>/<upload>` into which parts are
 * written where they belong, so completing an upload copies nothing: the finished file is linked to its place, and the
 * link in `uploads/` goes when its row has been committed. What a crash leaves in `uploads/` without a row is left over.
 */
export function makeFileSystemObjectStore({ home, workers = sourceWorkers() }: FileSystemObjectStoreOptions): ObjectStore {
  const folders = objectFolders(home);
  const hasher = makeFileHasher(workers.hash);
  const receiving = new Map<UploadId, Receiving>();

  const openForParts = async (upload: UploadShape): Promise<FileHandle> => {
    const file = folders.pendingFile(upload.tenant, upload.id);
    try {
      return await open(file, 'r+');
    } catch (error) {
      const code = codeOf(error);
      // It was sealed, but completing failed afterwards and the sender tries again. No row refers to it yet.
      if (code === 'EACCES') await chmod(file, 0o600);
      else if (code === 'ENOENT') {
        await mkdir(folders.uploadFolder(upload.tenant), { recursive: true, mode: 0o700 });
        await (await open(file, 'a', 0o600)).close();
      } else throw error;
      return open(file, 'r+');
    }
  };

  /** The parts from the first on that have all arrived may be digested. */
  const follow = (upload: UploadShape, state: Receiving): void => {
    let parts = state.followedParts;
    while (state.whole.has(parts + 1)) parts += 1;
    if (parts === state.followedParts) return;
    state.followedParts = parts;
    hasher.follow(upload.id, folders.pendingFile(upload.tenant, upload.id), Math.min(upload.size, parts * upload.partSize));
  };

  const forgetDigest = (upload: UploadId): void => {
    hasher.drop(upload);
    receiving.delete(upload);
  };

  const sealOne = async (upload: UploadShape): Promise<string> => {
    const pending = folders.pendingFile(upload.tenant, upload.id);
    const blob = blobOfUpload(upload.id);
    const file = await openForParts(upload);
    try {
      const { size } = await file.stat();
      if (size !== upload.size) throw new SodateError('upload-incomplete', { reference: upload.id, missing: `${upload.size - size} of ${upload.size} bytes` });
      const digest = await hasher.finish(upload.id, pending, upload.size);
      await file.chmod(SEALED_MODE);
      await file.sync();
      await mkdir(folders.blobFolder(upload.tenant, blob), { recursive: true, mode: 0o700 });
      await link(pending, folders.blobFile(upload.tenant, blob)).catch((error: unknown) => {
        // From a try before: this name is this upload's alone.
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      return digest;
    } finally {
      await file.close();
    }
  };

  return {
    partSize: () => UPLOAD_PART_BYTES,
    direct: null,

    async writePart(upload, part, body, signal) {
      const length = partLengthOf(upload, part);
      const offset = (part - 1) * upload.partSize;
      const state = receiving.get(upload.id) ?? { whole: new Set(), writers: 0, followedParts: 0 };
      receiving.set(upload.id, state);
      state.whole.delete(part);
      if (part <= state.followedParts) {
        hasher.drop(upload.id);
        state.followedParts = 0;
      }
      state.writers += 1;
      let checksum: string;
      try {
        checksum = await orDiskFull(async () => {
          const file = await openForParts(upload);
          try {
            const crc32 = await writeRegion(file, { part, offset, length }, body, signal);
            await file.datasync();
            return crc32;
          } catch (error) {
            // A full disk gets back what this part took, if nothing lies behind it that somebody wrote or is writing.
            if (isDiskFull(error) && state.writers === 1 && (await file.stat()).size <= offset + length) await file.truncate(offset);
            throw error;
          } finally {
            await file.close();
          }
        });
      } finally {
        state.writers -= 1;
      }
      state.whole.add(part);
      // Of a small file the digest is had in no time at the end.
      if (partCountOf(upload) > 1) follow(upload, state);
      return checksum;
    },

    async seal(uploads) {
      const digests = new Map<UploadId, { readonly digest: string }>();
      const rest = [...uploads];
      const sealNext = async (): Promise<void> => {
        for (let upload = rest.pop(); upload; upload = rest.pop()) digests.set(upload.id, { digest: await sealOne(upload) });
      };
      await orDiskFull(async () => {
        const results = await Promise.allSettled(Array.from({ length: SEAL_TOGETHER }, sealNext));
        for (const result of results) if (result.status === 'rejected') throw result.reason;
        // A file's name is durable only with its folder; a folder's with the folder above.
        const names = new Set(uploads.flatMap(({ tenant, id }) => foldersUpTo(home, folders.blobFolder(tenant, blobOfUpload(id)))));
        await Promise.all([...names].map(syncFolder));
      });
      return digests;
    },

    async read(tenant, blob, range) {
      const file = await open(folders.blobFile(tenant, blob), 'r').catch((error: unknown) => {
        throw codeOf(error) === 'ENOENT' ? new SodateError('not-found', { thing: 'file content', reference: blob }) : error;
      });
      // Node takes a buffer of this length for each read, however short the file is: a MiB for 4 KiB costs eight times the rest.
      const length = range === undefined ? await sizeOf(file) : range.end - range.start + 1;
      return createReadStream('', { fd: file, highWaterMark: Math.max(1, Math.min(READ_BYTES, length)), ...range });
    },

    linkBlobs(tenant, links, how, signal) {
      // A temporary copy is pending like an upload without a row, and is found like one if the process dies.
      return orDiskFull(async () => {
        await mkdir(folders.uploadFolder(tenant), { recursive: true, mode: 0o700 });
        await linkFiles({
          worker: workers.link,
          links,
          toFiles: ({ blob, target }) => ({ source: folders.blobFile(tenant, blob), target }),
          how,
          temporary: () => folders.pendingFile(tenant, newId<UploadId>()),
          signal,
        });
      });
    },

    async freeBytes() {
      await mkdir(folders.uploads, { recursive: true, mode: 0o700 });
      const { bavail, bsize } = await statfs(folders.uploads);
      return bavail * bsize;
    },

    async markForRemoval(tenant, blobs) {
      await mkdir(folders.uploadFolder(tenant), { recursive: true, mode: 0o700 });
      try {
        for (const blob of blobs) await (await open(folders.pendingFile(tenant, blob), 'a', 0o600)).close();
        await syncFolder(folders.uploadFolder(tenant));
      } catch (error) {
        // On a full disk removing goes before the care for a crash in the middle of it.
        if (!isDiskFull(error)) throw error;
      }
    },

    async removeBlob(tenant, blob) {
      const file = folders.blobFile(tenant, blob);
      let copies = 0;
      while (await exists(furtherCopy(file, copies + 1))) copies += 1;
      // The last first: what a crash leaves over is still numbered without a gap, and so found.
      for (; copies > 0; copies -= 1) await removed(furtherCopy(file, copies));
      await removed(file);
    },

    async forget(tenant, id) {
      forgetDigest(id as UploadId);
      await removed(folders.pendingFile(tenant, id));
    },

    async *listPending() {
      for (const tenantName of await namesIn(folders.uploads)) {
        const tenant = TenantId.safeParse(tenantName);
        if (!tenant.success) continue;
        for (const name of await namesIn(folders.uploadFolder(tenant.data))) {
          const id = UploadId.safeParse(name);
          const touched = id.success ? await stat(folders.pendingFile(tenant.data, id.data)).catch(() => null) : null;
          // The inode's own time: linking a blob back into `uploads/` counts as a touch, its bytes may be old.
          if (id.success && touched) yield { tenant: tenant.data, id: id.data, touchedAt: touched.ctime };
        }
      }
    },

    close: () => hasher.close(),
  };
}

const sourceWorkers = () => ({ hash: new URL('./hash-worker.ts', import.meta.url), link: new URL('./link-worker.ts', import.meta.url) });

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

async function orDiskFull<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw isDiskFull(error) ? new SodateError('disk-full', { place: 'the server' }, { cause: error }) : error;
  }
}

/** @returns whether it was there */
async function removed(file: string): Promise<boolean> {
  try {
    await unlink(file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The folder and those above it, the home included. */
function foldersUpTo(home: string, folder: string): readonly string[] {
  return folder === home ? [home] : [folder, ...foldersUpTo(home, path.dirname(folder))];
}

async function sizeOf(file: FileHandle): Promise<number> {
  try {
    return (await file.stat()).size;
  } catch (error) {
    await file.close();
    throw error;
  }
}

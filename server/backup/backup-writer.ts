import { BackupError } from '#backup/backup-error.ts';
import { type BackedUpFile, FILE_LIST } from '#backup/backup-manifest.ts';
import { syncFolder } from '#kit/object-store/sync-folder.ts';
import { createHash } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { type FileHandle, link, mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { finished } from 'node:stream/promises';

/** Puts files into a backup that is being made, and writes the list of them. Several may be on their way at once. */
export interface BackupWriter {
  readonly folder: string;
  /** Writes what comes, durably. @returns its size and digest */
  add(name: string, bytes: AsyncIterable<Uint8Array>, mode?: number): Promise<{ readonly size: number; readonly digest: string }>;
  /** The file of an earlier backup, which shares its bytes. @returns false when it is not there as it should be */
  addFrom(earlier: string, name: string, expected: { readonly size: number; readonly digest: string }): Promise<boolean>;
  addLink(name: string, target: string): void;
  addFolder(name: string, mode: number): void;
  /** Makes everything durable. */
  finish(): Promise<{ readonly count: number; readonly bytes: number; readonly digest: string }>;
  /** Ends the list of a backup that is given up. */
  abandon(): Promise<void>;
}

export async function makeBackupWriter(folder: string): Promise<BackupWriter> {
  await mkdir(folder, { mode: 0o700 });
  const list: WriteStream = createWriteStream(path.join(folder, FILE_LIST), { flags: 'wx', mode: 0o600, flush: true });
  const listDigest = createHash('sha256');
  const folders = new Set<string>([folder]);
  const total = { count: 0, bytes: 0 };
  list.on('error', () => {});

  const note = (entry: BackedUpFile): void => {
    const line = `${JSON.stringify(entry)}\n`;
    listDigest.update(line);
    list.write(line);
    if ('digest' in entry) {
      total.count += 1;
      total.bytes += entry.size;
    }
  };
  const place = async (name: string): Promise<string> => {
    const file = path.join(folder, name);
    const parent = path.dirname(file);
    if (!folders.has(parent)) {
      await mkdir(parent, { recursive: true, mode: 0o700 });
      for (let at = parent; at !== folder; at = path.dirname(at)) folders.add(at);
    }
    return file;
  };

  return {
    folder,
    async add(name, bytes, mode = 0o600) {
      const handle = await open(await place(name), 'wx', 0o600);
      const hash = createHash('sha256');
      let size = 0;
      try {
        for await (const piece of bytes) {
          hash.update(piece);
          await writeWhole(handle, piece);
          size += piece.length;
        }
        await handle.datasync();
      } finally {
        await handle.close();
      }
      const digest = `sha256:${hash.digest('hex')}`;
      note({ path: name, size, digest, mode });
      return { size, digest };
    },
    async addFrom(earlier, name, { size, digest }) {
      const source = path.join(earlier, name);
      const found = await stat(source).catch(() => null);
      if (found?.isFile() !== true || found.size !== size) return false;
      try {
        await link(source, await place(name));
      } catch (error) {
        // Another disk, or more links than it takes: the bytes are copied then.
        if (['EXDEV', 'EMLINK', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
        throw error;
      }
      note({ path: name, size, digest, mode: 0o600 });
      return true;
    },
    addLink: (name, target) => note({ path: name, link: target }),
    addFolder: (name, mode) => note({ path: name, folder: true, mode }),
    async finish() {
      list.end();
      await finished(list).catch((error: unknown) => {
        throw new BackupError(`${FILE_LIST} cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
      for (const each of folders) await syncFolder(each);
      return { ...total, digest: `sha256:${listDigest.digest('hex')}` };
    },
    async abandon() {
      list.destroy();
      await finished(list).catch(() => {});
    },
  };
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
}

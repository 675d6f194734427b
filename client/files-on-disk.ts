/** For Node: files and folders of a disk as sources of an upload. */
import type { Stats } from 'node:fs';
import { lstat, open, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type SourceFile, SourceTrouble } from './upload-source.ts';

export interface FilesOnDisk {
  readonly files: readonly SourceFile[];
  /** Left out: symbolic links, which could lead out of the folder, and what is neither file nor folder. */
  readonly skipped: readonly string[];
}

/**
 * A file becomes one source named like it; a folder becomes all files below it, named relative to it with `/`, in the
 * order of their names. Of links only the given path itself is followed.
 */
export async function filesOnDisk(path: string): Promise<FilesOnDisk> {
  const found = await stat(path);
  if (found.isFile()) return { files: [fileOnDisk(path, basename(resolve(path)), found)], skipped: [] };
  if (!found.isDirectory()) return { files: [], skipped: [path] };
  const files: SourceFile[] = [];
  const skipped: string[] = [];
  await walk(path, '', files, skipped);
  return { files, skipped };
}

async function walk(folder: string, prefix: string, files: SourceFile[], skipped: string[]): Promise<void> {
  const names = (await readdir(folder)).toSorted();
  for (const name of names) {
    const path = join(folder, name);
    const entry = await lstat(path).catch((error: NodeJS.ErrnoException) => {
      // Node replaces bytes that are not UTF-8 by this character, after which the name leads nowhere.
      if (error.code === 'ENOENT' && name.includes('\ufffd')) throw new Error(`The name of ${path} is not UTF-8. Rename the file.`);
      throw error;
    });
    if (entry.isDirectory()) await walk(path, `${prefix}${name}/`, files, skipped);
    else if (entry.isFile()) files.push(fileOnDisk(path, prefix + name, entry));
    else skipped.push(path);
  }
}

/** Reads only what was found: once size or time of change are others, the file is in trouble and no part of it is given. */
function fileOnDisk(path: string, name: string, { size, mtimeMs }: Stats): SourceFile {
  const changed = (): SourceTrouble => new SourceTrouble(`${path} changed while it was uploaded. Upload it again when it no longer changes.`);
  return {
    name,
    size,
    async read(start, end, take) {
      const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
        throw new SourceTrouble(`${path} cannot be read (${error.code ?? error.message}).`, error);
      });
      try {
        const bytes = take?.().subarray(0, end - start) ?? new Uint8Array(end - start);
        for (let filled = 0; filled < bytes.length;) {
          const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
          if (bytesRead === 0) throw changed();
          filled += bytesRead;
        }
        const now = await handle.stat();
        if (now.size !== size || now.mtimeMs !== mtimeMs) throw changed();
        return bytes;
      } finally {
        await handle.close();
      }
    },
  };
}

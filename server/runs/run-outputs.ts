import type { OutputReader } from '#runs/run-kind.ts';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, opendir, readlink, realpath } from 'node:fs/promises';
import path from 'node:path';

/** Entries shown of one folder. */
export const OUTPUT_ENTRIES_LIMIT = 10_000;

export interface OutputEntryFound {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
  readonly size: number | null;
  readonly modifiedAt: Date | null;
}

/**
 * Opens a regular file below a folder that a job wrote into. What a job writes is hostile: links may point anywhere, and
 * may be exchanged between a check and its use. So the file is opened first, without waiting on a pipe, and then asked
 * where it really is; it must be a regular file inside the folder.
 * @returns null when there is no such file, or it is something else
 */
export async function openInside(folder: string, relative: string): Promise<{ readonly file: FileHandle; readonly size: number } | null> {
  const root = await realpath(folder).catch(() => null);
  if (root === null) return null;
  const file = await open(path.join(root, relative), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(() => null);
  if (file === null) return null;
  const stat = await file.stat();
  if (stat.isFile() && isInside(root, await whereIs(file, path.join(root, relative)))) return { file, size: stat.size };
  await file.close();
  return null;
}

/** The open file's own path where the system tells it, else the path it was opened by with its links resolved. */
async function whereIs(file: FileHandle, asked: string): Promise<string> {
  return readlink(`/proc/self/fd/${file.fd}`).catch(() => realpath(asked).catch(() => ''));
}

const isInside = (root: string, found: string): boolean => found.startsWith(`${root}${path.sep}`);

/** One level of an output folder, by name. Links are listed and never followed. */
export async function listFolder(
  folder: string,
  relative: string,
): Promise<{ readonly entries: readonly OutputEntryFound[]; readonly truncated: boolean } | null> {
  const root = await realpath(folder).catch(() => null);
  if (root === null) return null;
  const target = path.join(root, relative);
  const found = await realpath(target).catch(() => null);
  if (found === null || found !== target) return null;
  const entries: OutputEntryFound[] = [];
  try {
    for await (const entry of await opendir(found)) {
      if (entries.length >= OUTPUT_ENTRIES_LIMIT) return { entries: sorted(entries), truncated: true };
      const stat = await lstat(path.join(found, entry.name)).catch(() => null);
      const kind = stat?.isFile() ? 'file' : stat?.isDirectory() ? 'folder' : 'other';
      entries.push({ name: entry.name, kind, size: kind === 'file' ? (stat?.size ?? null) : null, modifiedAt: stat?.mtime ?? null });
    }
  } catch {
    return null;
  }
  return { entries: sorted(entries), truncated: false };
}

const sorted = (entries: readonly OutputEntryFound[]): readonly OutputEntryFound[] => entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** What a kind's `finish` reads with. */
export function makeOutputReader(folder: string): OutputReader {
  return {
    async readText(relative, maxBytes) {
      const opened = await openInside(folder, relative);
      if (opened === null) return null;
      try {
        const buffer = Buffer.alloc(Math.min(maxBytes, opened.size));
        const { bytesRead } = await opened.file.read(buffer, 0, buffer.length, 0);
        return new TextDecoder('utf-8').decode(buffer.subarray(0, bytesRead)).replaceAll('\u0000', '\uFFFD');
      } finally {
        await opened.file.close();
      }
    },
  };
}

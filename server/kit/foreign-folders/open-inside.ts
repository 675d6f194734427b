import { textToBytes } from '#kit/foreign-folders/name-text.ts';
import { closeSync, constants, openSync, readlinkSync, realpathSync } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';

const SLASH = Buffer.from('/');
const below = (root: string, relative: Buffer): Buffer => (relative.length === 0 ? Buffer.from(root) : Buffer.concat([Buffer.from(root), SLASH, relative]));

/**
 * Opens a regular file below a folder that a job wrote into. What a job writes is hostile: links may point anywhere, and
 * may be exchanged between a check and its use. So the file is opened first, without waiting on a pipe, and then asked
 * where it really is; it must be a regular file inside the folder.
 * @param relative as text, see `name-text.ts`
 * @returns null when there is no such file, or it is something else
 */
export async function openInside(
  folder: string,
  relative: string,
): Promise<{ readonly file: FileHandle; readonly size: number; readonly modifiedAt: Date } | null> {
  const root = await realpath(folder).catch(() => null);
  if (root === null) return null;
  const asked = below(root, textToBytes(relative));
  const file = await open(asked, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(() => null);
  if (file === null) return null;
  const stat = await file.stat();
  if (stat.isFile() && isInside(root, await whereIs(file, asked))) return { file, size: stat.size, modifiedAt: stat.mtime };
  await file.close();
  return null;
}

/** The open file's own path where the system tells it, else the path it was opened by with its links resolved. */
async function whereIs(file: FileHandle, asked: Buffer): Promise<Buffer> {
  return readlink(`/proc/self/fd/${file.fd}`, 'buffer').catch(() => realpath(asked, 'buffer').catch(() => Buffer.alloc(0)));
}

const isInside = (root: string, found: Buffer): boolean => found.toString('latin1').startsWith(`${Buffer.from(root).toString('latin1')}/`);

/** A folder that is held open: whatever is exchanged on its path meanwhile, this is the one that was checked. */
export interface HeldFolder {
  readonly fd: number;
  /** What is in it, as a path that leads nowhere else. */
  inside(rawName: string): Buffer;
  /** The folder itself, likewise. */
  readonly itself: Buffer;
  close(): void;
}

/**
 * Opens a folder below (or, with an empty path, at) one that a job wrote into, by no link. Synchronous: for worker threads.
 * @param rawRelative one character a byte
 * @returns null when there is no such folder, it may not be read, or a link stands on the way
 */
export function holdFolder(folder: string, rawRelative: string): HeldFolder | null {
  try {
    const asked = below(realpathSync(folder), Buffer.from(rawRelative, 'latin1'));
    const fd = openSync(asked, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const own = Buffer.from(`/proc/self/fd/${fd}`);
    const found = tryOrNull(() => readlinkSync(own, 'buffer'));
    const at = found === null ? asked : own;
    if (!(found ?? realpathSync(asked, 'buffer')).equals(asked)) {
      closeSync(fd);
      return null;
    }
    return { fd, itself: at, inside: (rawName) => Buffer.concat([at, SLASH, Buffer.from(rawName, 'latin1')]), close: () => closeSync(fd) };
  } catch {
    return null;
  }
}

function tryOrNull<Value>(make: () => Value): Value | null {
  try {
    return make();
  } catch {
    return null;
  }
}

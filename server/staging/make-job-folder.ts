import type { Owner } from '#staging/copy-tree.ts';
import { chmodSync, lchownSync, lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';

/**
 * A folder that a job writes in, below one that it cannot write in, so that it cannot put a link in the folder's place.
 * Found again by a later attempt with what the earlier one wrote. If the process dies before the owner is set, the next
 * call sets it. Synchronous: five calls of about 10 µs, which through Node's thread pool would take the server ten times that.
 */
export function makeJobFolder(place: string, owner: Owner | null): void {
  mkdirSync(path.dirname(place), { recursive: true });
  const made = makeFolder(place);
  const found = lstatSync(place);
  if (!found.isDirectory()) throw new Error(`${place} is not a folder`);
  // Whatever the umask is.
  if (made && (found.mode & 0o777) !== MODE) chmodSync(place, MODE);
  if (owner !== null && (found.uid !== owner.uid || found.gid !== owner.gid)) lchownSync(place, owner.uid, owner.gid);
}

const MODE = 0o750;

/** @returns whether it is new */
function makeFolder(place: string): boolean {
  try {
    mkdirSync(place, { mode: MODE });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

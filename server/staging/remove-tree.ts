import { below } from '#staging/copy-tree.ts';
import { randomUUID } from 'node:crypto';
import { chmodSync, type Dirent, lstatSync, opendirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';

/** Linux ends a path at 4,096 bytes. A folder whose path is longer than this is moved up before it is looked into. */
const PATH_BYTES = 2_048;
/** Entries read at once, so that a folder with millions of files costs no more memory than one with a thousand. */
const ENTRIES_AT_ONCE = 1_024;

/**
 * Removes a folder and everything in it, whatever a job made of it: folders without permissions, names that are not
 * UTF-8, nesting deeper than a path can say. Links are removed, never followed. Nobody else may use the folder, but two
 * may remove it at the same time. Synchronous, for a worker thread. Idempotent.
 */
export function removeTree(root: string): void {
  const top = Buffer.from(root);
  const found = lstatSync(top, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory()) return unlinkSync(top);
  const folders: Buffer[] = [top];
  // `folders` grows while it is walked; every folder stands behind the one it lies in, so the way back removes leaves first.
  for (let at = 0; at < folders.length; at += 1) {
    const folder = folders[at] as Buffer;
    takeRights(folder);
    for (const entry of entriesOf(folder)) {
      const path = below(folder, entry.name);
      if (!entry.isDirectory()) unlessGone(() => unlinkSync(path));
      else if (path.length < PATH_BYTES) folders.push(path);
      else {
        const nearer = below(top, Buffer.from(`.moved-${randomUUID()}`));
        // Moving a folder changes its `..`, which takes the right to write in it.
        takeRights(path);
        unlessGone(() => renameSync(path, nearer));
        folders.push(nearer);
      }
    }
  }
  for (const folder of folders.reverse()) unlessGone(() => rmdirSync(folder));
}

/** What lies in a folder can be removed by whoever may write in it. Root needs no right, and may be refused this one by some file systems. */
function takeRights(folder: Buffer): void {
  try {
    chmodSync(folder, 0o700);
  } catch {
    // Then removing fails and says why, or needs no right.
  }
}

function unlessGone<Result>(work: () => Result): Result | null {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function* entriesOf(folder: Buffer): Iterable<Dirent<Buffer>> {
  // The types know no `buffer` here; Node does.
  const listing = unlessGone(() => opendirSync(folder, { encoding: 'buffer' as BufferEncoding, bufferSize: ENTRIES_AT_ONCE }));
  if (listing === null) return;
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) yield entry as unknown as Dirent<Buffer>;
  } finally {
    listing.closeSync();
  }
}

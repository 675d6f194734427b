import { SodateError } from '@sodate/contract/errors.ts';
import { randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, rm, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

/** Where the system names a process's open files, a path can begin at an open folder, which nobody can exchange. */
const HAS_OPEN_PATHS = existsSync('/proc/self/fd');
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;

const refuse = (details: string): SodateError => new SodateError('invalid-request', { details });

interface OpenFolder {
  readonly handle: FileHandle;
  readonly place: string;
}

const entryOf = (folder: OpenFolder, name: string): string => path.join(HAS_OPEN_PATHS ? `/proc/self/fd/${folder.handle.fd}` : folder.place, name);

const openFolder = async (asked: string, place: string): Promise<OpenFolder> => ({
  handle: await open(asked, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW),
  place,
});

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/**
 * Opens the folder in which an entry of an output folder lies, one segment after the other and never through a link: a job
 * may exchange folders for links at any time, and what is open is what it is.
 * @returns null where a folder on the way is missing and is not to be made
 * @throws SodateError `invalid-request` where something else is in the way
 */
async function openParent(root: string, segments: readonly string[], make: boolean): Promise<OpenFolder | null> {
  if (make) await mkdir(root, { recursive: true, mode: 0o750 });
  let folder: OpenFolder;
  try {
    folder = await openFolder(root, root);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && !make) return null;
    throw error;
  }
  try {
    const owner = await folder.handle.stat();
    for (const [at, segment] of segments.entries()) {
      const asked = entryOf(folder, segment);
      const made = make && (await makeFolder(asked));
      const next = await openFolder(asked, path.join(folder.place, segment)).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT' && !make) return null;
        if (codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ELOOP') throw refuse(`${segments.slice(0, at + 1).join('/')} is not a folder`);
        throw error;
      });
      await folder.handle.close();
      if (next === null) return null;
      folder = next;
      // What is put there for a job is the job's.
      if (made) await giveTo(folder.handle, owner);
    }
    return folder;
  } catch (error) {
    await folder.handle.close().catch(() => {});
    throw error;
  }
}

/** @returns whether it is new */
async function makeFolder(place: string): Promise<boolean> {
  try {
    await mkdir(place, { mode: FOLDER_MODE });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function giveTo(handle: FileHandle, owner: { readonly uid: number; readonly gid: number }): Promise<void> {
  const own = await handle.stat();
  if (own.uid !== owner.uid || own.gid !== owner.gid) await handle.chown(owner.uid, owner.gid);
}

/**
 * Writes a file into a run's output folder, in place of one that was there. It appears whole or not at all: the bytes
 * arrive beside the folder, out of a job's reach. A crash leaves them there until the run is deleted.
 * @param place.run the run's own folder; `output` lies in it
 * @param relative checked segments, joined by `/`
 * @throws SodateError `invalid-request` where a folder has that name, or a file is where a folder would have to be
 */
export async function writeOutput(place: { readonly run: string; readonly output: string }, relative: string, bytes: Readable): Promise<void> {
  const segments = relative.split('/');
  const name = segments.pop() ?? '';
  const arriving = path.join(place.run, 'arriving');
  await mkdir(arriving, { recursive: true, mode: 0o700 });
  const draft = path.join(arriving, randomUUID());
  const file = await open(draft, 'wx', FILE_MODE);
  try {
    // Fails when the sender breaks off.
    await writeFile(file, bytes);
    await file.chmod(FILE_MODE);
    const folder = await openParent(place.output, segments, true);
    if (folder === null) throw new Error(`The folder for ${relative} was made and is not there`);
    try {
      await giveTo(file, await folder.handle.stat());
      await file.sync();
      await rename(draft, entryOf(folder, name));
    } catch (error) {
      if (codeOf(error) === 'EISDIR' || codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') throw refuse(`${relative} is a folder`);
      throw error;
    } finally {
      await folder.handle.close();
    }
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
}

/**
 * Removes a file of an output folder, or a folder with all in it; the empty path means all there is. What is missing is
 * removed already. A folder is first moved out of everybody's reach, since it is walked by its names.
 * @throws SodateError `wrong-state` for a folder, unless nothing of the run lives that could be in it
 */
export async function removeOutput(
  place: { readonly run: string; readonly output: string },
  relative: string,
  run: { readonly reference: string; readonly live: boolean },
): Promise<void> {
  const removed = path.join(place.run, `removed-${randomUUID()}`);
  const refuseLive = (): never => {
    throw new SodateError('wrong-state', {
      thing: 'Run',
      reference: run.reference,
      state: 'still alive',
      needed: 'a file to remove, or a run that has ended to remove a folder of',
    });
  };
  if (relative === '') {
    if (run.live) refuseLive();
    await renameUnlessGone(place.output, removed);
  } else {
    const segments = relative.split('/');
    const name = segments.pop() ?? '';
    const folder = await openParent(place.output, segments, false);
    if (folder === null) return;
    try {
      const entry = entryOf(folder, name);
      const found = await lstat(entry).catch(() => null);
      if (found === null) return;
      if (!found.isDirectory()) return await unlink(entry);
      if (run.live) refuseLive();
      await renameUnlessGone(entry, removed);
    } finally {
      await folder.handle.close();
    }
  }
  await rm(removed, { recursive: true, force: true });
}

async function renameUnlessGone(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

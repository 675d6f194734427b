import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cachePath, type Environment } from './config-file.ts';

/**
 * Which files below a folder were seen to have which content, so that a download that is taken up late looks at their state
 * instead of reading them all again. It is a list of fingerprints, each of a content and of a file's whole state: device,
 * inode, size, times of its content and of itself. A file that anybody has written to, replaced or only touched has another
 * state, and is read.
 *
 * It lies in the user's cache and not in the folder, where a server chooses the names. It may lack what is there, after a
 * crash or when another download into the same folder has ended meanwhile: then more is read. It never says more than was
 * seen: a file is noted when it is whole under its name; and since a machine that goes down may lose what a file had but not
 * what was noted of it, nothing counts that was noted before the machine was last started. What it cannot tell is a
 * program that writes as many bytes into the very file in the same tick of the file system's clock, some milliseconds, in
 * which it was written before; where that clock has whole seconds nothing is noted.
 */
export interface VerifiedFiles {
  /** Was a file of this state seen to have this content? */
  has(digest: string, state: BigIntStats): boolean;
  /** This content was seen in the file, which had this state then. What has been changed since, other than by renaming, is not noted. */
  note(path: string, digest: string, state: BigIntStats): Promise<void>;
  /** Writes down what has been noted. */
  flush(): Promise<void>;
  /** When the download is at its end: what is asked for again is read again. */
  forget(): Promise<void>;
}

const NOTED_AT_ONCE = 200;
/** Twice what a data can have of files, at 33 bytes each. What is longer is no list of ours. */
const LIST_BYTES_LIMIT = 66_000_000;
/** Of downloads that nobody went on with. */
const LISTS_KEPT = 50;
const NS_PER_SECOND = 1_000_000_000n;
const LINE = /^[0-9a-f]{32}$/;
/** Is another one after each start of the machine. Where there is none, files are read as if there were no list. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** Never fails: without a list that can be read and written everything is read. */
export async function openVerifiedFiles(environment: Environment, folder: string, bootIdFile = BOOT_ID): Promise<VerifiedFiles> {
  const list = await listOf(environment, folder, bootIdFile).catch(() => null);
  const seen = list === null ? new Set<string>() : await readList(list).catch(() => new Set<string>());
  const held: { lines: string[]; canWrite: boolean } = { lines: [], canWrite: list !== null };

  const flush = async (): Promise<void> => {
    const { lines } = held;
    if (list === null || !held.canWrite || lines.length === 0) return;
    held.lines = [];
    // A full disk, or a cache that may not be written to, is no reason to end a download.
    await append(list, lines).catch(() => void (held.canWrite = false));
  };
  return {
    flush,
    has: (digest, state) => seen.has(fingerprint(digest, state)),
    async note(path, digest, state) {
      if (!held.canWrite) return;
      const now = await lstat(path, { bigint: true }).catch(() => null);
      const isSame = now?.isFile() === true && now.dev === state.dev && now.ino === state.ino && now.size === state.size && now.mtimeNs === state.mtimeNs;
      const line = isSame && now.mtimeNs % NS_PER_SECOND !== 0n ? fingerprint(digest, now) : null;
      if (line === null || seen.has(line)) return;
      if (held.lines.push(line) >= NOTED_AT_ONCE) await flush();
    },
    async forget() {
      held.lines = [];
      if (list !== null) await rm(list, { force: true }).catch(() => {});
    },
  };
}

const fingerprint = (digest: string, { dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  createHash('sha256').update(`${digest} ${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`).digest('hex').slice(0, 32);

/** The place of the list for this folder and this start of the machine. */
async function listOf(environment: Environment, folder: string, bootIdFile: string): Promise<string> {
  const boot = await readFile(bootIdFile, 'utf8');
  await mkdir(folder, { recursive: true });
  const name = createHash('sha256')
    .update(`${boot}\0${await realpath(folder)}`)
    .digest('hex');
  return join(cachePath(environment), 'downloads', name);
}

async function readList(list: string): Promise<Set<string>> {
  const handle = await open(list, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = await handle.stat();
    if (size > LIST_BYTES_LIMIT) {
      await rm(list, { force: true });
      return new Set();
    }
    // The end may have been cut off in the middle, and what is no line of ours says nothing.
    return new Set((await handle.readFile('latin1')).split('\n').filter((line) => LINE.test(line)));
  } finally {
    await handle.close();
  }
}

/** In one write that goes to the end, so that those of two downloads do not mix; begun on a line of its own, whatever a killed one left. */
async function append(list: string, lines: readonly string[]): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(list, flags).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await mkdir(dirname(list), { recursive: true, mode: 0o700 });
    await removeOldLists(dirname(list));
    return open(list, flags | constants.O_CREAT, 0o600);
  });
  try {
    await handle.write(`\n${lines.join('\n')}\n`);
  } finally {
    await handle.close();
  }
}

async function removeOldLists(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  if (names.length < LISTS_KEPT) return;
  const lists = await Promise.all(names.map(async (name) => ({ name, changedMs: (await stat(join(folder, name)).catch(() => null))?.mtimeMs ?? 0 })));
  const old = lists.toSorted((a, b) => b.changedMs - a.changedMs).slice(LISTS_KEPT - 1);
  for (const { name } of old) await rm(join(folder, name), { force: true });
}

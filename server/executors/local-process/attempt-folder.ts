import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptId } from '@sodate/contract/ids.ts';
import { type ExitRecord, type Facts, parseExitRecord, preparedRecord } from './exit-record.ts';
import { parseProcessStat } from './process-table.ts';

/**
 * The files of one attempt, the only state this executor has:
 * - `plan/`: everything the monitor needs, complete from the moment it exists (renamed into place); in it `exit`, the
 *   record of the end, written ahead with the boot it was prepared in
 * - `lock`: locked as long as the monitor or any process below it lives
 * - `started`: created exclusively before anything runs; whoever creates it decides what becomes of the attempt
 * - `note`: what the sandbox and the shells around the job said
 */
export interface AttemptFolder {
  readonly path: string;
  readonly plan: string;
  readonly lock: string;
}

export const attemptFolder = (home: string, attempt: AttemptId): AttemptFolder => {
  const path = join(home, attempt);
  return { path, plan: join(path, 'plan'), lock: join(path, 'lock') };
};

const isCode = (error: unknown, ...codes: string[]): boolean => codes.includes((error as NodeJS.ErrnoException).code ?? '');
const readText = async (file: string): Promise<string | null> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
};
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

export const folderExists = ({ path }: AttemptFolder): Promise<boolean> => exists(path);
export const planExists = ({ plan }: AttemptFolder): Promise<boolean> => exists(plan);
export const hasStarted = ({ path }: AttemptFolder): Promise<boolean> => exists(join(path, 'started'));

/** Answers whether it is new. */
export async function makeFolder(home: string, { path }: AttemptFolder): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
  return true;
}

/**
 * Makes a folder's present entries durable: after a power loss an attempt is known to have been begun, and is not run
 * again. An fsync takes about 2 ms, beside the staging; calls that come during one share the next.
 */
export function makeDurability(home: string): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  const sync = async (): Promise<void> => {
    const folder = await open(home, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  };
  return () => {
    next ??= running
      .catch(() => {})
      .then(() => {
        next = null;
        running = sync();
        return running;
      });
    return next;
  };
}

/**
 * Writes the plan beside its place and renames it. When somebody else's is there first, theirs is used: both were made
 * from the same spec.
 */
export async function putPlan(folder: AttemptFolder, boot: string, facts: Facts, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = await mkdtemp(join(folder.path, 'plan-'));
  try {
    await write(temporary);
    await writeFile(join(temporary, 'exit'), preparedRecord(boot, facts), { mode: 0o600 });
    await rename(temporary, folder.plan);
  } catch (error) {
    // Writes of a failed plan may still be under way; what is left of it goes with the folder.
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    if (!isCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Takes the attempt so that it never runs. False when somebody took it before. Dying half-way leaves `gone`. */
export async function takeAsStopped(folder: AttemptFolder, signal: string): Promise<boolean> {
  try {
    await writeFile(join(folder.path, 'started'), `${STOPPED}${signal}\n`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST', 'ENOENT')) return false;
    throw error;
  }
}
const STOPPED = 'stopped by ';

export interface RecordedExit {
  readonly record: ExitRecord;
  /** The whole file: the facts are behind the record. */
  readonly text: string;
  readonly writtenAt: Date;
}

export async function readExit({ plan }: AttemptFolder): Promise<RecordedExit | null> {
  const file = join(plan, 'exit');
  const text = await readText(file);
  const record = text === null ? null : parseExitRecord(text);
  return text === null || record === null ? null : { record, text, writtenAt: (await stat(file)).mtime };
}

export interface Started {
  readonly at: Date;
  /** The signal of a stop that came before the start: nothing ran, and nothing will. */
  readonly stoppedBy: string | null;
  /** null when nothing was to run, or the monitor has not written who it is, and perhaps died before it could. */
  readonly monitor: { readonly pid: number; readonly startTicks: number | null } | null;
}

export async function readStarted({ path }: AttemptFolder): Promise<Started | null> {
  const file = join(path, 'started');
  const text = await readText(file);
  if (text === null) return null;
  const at = (await stat(file)).mtime;
  if (text.startsWith(STOPPED) && text.endsWith('\n')) return { at, stoppedBy: text.slice(STOPPED.length, -1), monitor: null };
  const pid = Number.parseInt(text, 10);
  if (Number.isNaN(pid)) return { at, stoppedBy: null, monitor: null };
  return { at, stoppedBy: null, monitor: { pid, startTicks: parseProcessStat(text.slice(text.indexOf(' ') + 1))?.startTicks ?? null } };
}

/** More is never needed to tell how a job ended, and nothing stops a process from writing more. */
const NOTE_BYTES = 64 * 1024;

export async function readNote({ path }: AttemptFolder): Promise<string> {
  const file = await open(join(path, 'note'), 'r').catch(() => null);
  if (!file) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(NOTE_BYTES), 0, NOTE_BYTES, 0);
    // The rest of what the monitor had reserved is blank.
    return buffer.toString('utf8', 0, bytesRead).replace(/ +\n?$/, '');
  } finally {
    await file.close();
  }
}

/** Whatever the server's umask is, the job's user may read this folder, if it can reach it. */
export async function openToJob(folder: string): Promise<void> {
  if ((process.umask() & 0o055) === 0) return;
  await chmod(folder, 0o755);
  await Promise.all((await readdir(folder)).map((name) => chmod(join(folder, name), 0o644)));
}

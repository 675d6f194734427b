import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptId } from '@sodate/contract/ids.ts';
import { type ExitRecord, type Facts, parseExitRecord, preparedRecord, stoppedRecord } from './exit-record.ts';
import { parseProcessStat } from './process-table.ts';

/**
 * The files of one attempt, the only state this executor has:
 * - `plan/`: everything the monitor needs, complete from the moment it exists (renamed into place)
 * - `lock`: locked as long as the monitor or any process below it lives
 * - `started`: created exclusively before anything runs; whoever creates it decides what becomes of the attempt
 * - `exit`: the record of the end, written ahead with the boot it was prepared in
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
const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

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
 * One fsync of the folder above an attempt's, about 2 ms and beside the staging: after a power loss the attempt is known to
 * have been begun, and is not run again.
 */
export async function makeDurable(home: string): Promise<void> {
  const parent = await open(home, 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

/**
 * Writes the plan beside its place and renames it. When somebody else's is there first, theirs is used: both were made
 * from the same spec. `exit` is written ahead only now, so that a folder without it has certainly not run.
 */
export async function putPlan(folder: AttemptFolder, boot: string, facts: Facts, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = await mkdtemp(join(folder.path, 'plan-'));
  try {
    await write(temporary);
    await writeFile(join(folder.path, 'exit'), preparedRecord(boot, facts), { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
      if (!isCode(error, 'EEXIST')) throw error;
    });
    await rename(temporary, folder.plan);
  } catch (error) {
    // Writes of a failed plan may still be under way; what is left of it goes with the folder.
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    if (!isCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Takes the attempt so that it never runs. False when somebody took it before. Dying in between leaves `gone`. */
export async function takeAsStopped(folder: AttemptFolder, signal: string): Promise<boolean> {
  try {
    await writeFile(join(folder.path, 'started'), '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (isCode(error, 'EEXIST', 'ENOENT')) return false;
    throw error;
  }
  const temporary = join(folder.path, `exit-${randomUUID()}`);
  await writeFile(temporary, stoppedRecord(signal), { mode: 0o600 });
  await rename(temporary, join(folder.path, 'exit'));
  return true;
}

export interface RecordedExit {
  readonly record: ExitRecord;
  /** The whole file: the facts are behind the record. */
  readonly text: string;
  readonly writtenAt: Date;
}

export async function readExit({ path }: AttemptFolder): Promise<RecordedExit | null> {
  const file = join(path, 'exit');
  const text = await readText(file);
  const record = text === null ? null : parseExitRecord(text);
  return text === null || record === null ? null : { record, text, writtenAt: (await stat(file)).mtime };
}

export interface Started {
  readonly at: Date;
  /** null when the monitor died before it had written who it is, or nothing was to run. */
  readonly monitor: { readonly pid: number; readonly startTicks: number | null } | null;
}

export async function readStarted({ path }: AttemptFolder): Promise<Started | null> {
  const file = join(path, 'started');
  const text = await readText(file);
  if (text === null) return null;
  const at = (await stat(file)).mtime;
  const pid = Number.parseInt(text, 10);
  if (Number.isNaN(pid)) return { at, monitor: null };
  return { at, monitor: { pid, startTicks: parseProcessStat(text.slice(text.indexOf(' ') + 1))?.startTicks ?? null } };
}

/** More is never needed to tell how a job ended, and nothing stops a process from writing more. */
const NOTE_BYTES = 64 * 1024;

export async function readNote({ path }: AttemptFolder): Promise<string> {
  const file = await open(join(path, 'note'), 'r').catch(() => null);
  if (!file) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(NOTE_BYTES), 0, NOTE_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
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

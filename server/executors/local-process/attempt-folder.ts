import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
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
 *
 * They are few and small, lie on a local disk, and were written a moment ago or are about to be. So they are handled
 * synchronously: 5 to 20 µs a call, where each call through Node's thread pool takes 60 to 100 µs of the server's time,
 * and an attempt has about forty.
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

interface SmallFile {
  readonly text: string;
  readonly writtenAt: Date;
}

/** More is never needed: of a note, to tell how a job ended, and nothing stops a process from writing more. */
const READ_BYTES = 64 * 1024;

/** The beginning of a file; null when there is none. */
function readSmallFile(file: string): SmallFile | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
  try {
    const { size, mtime } = fstatSync(descriptor);
    const buffer = Buffer.allocUnsafe(Math.min(size, READ_BYTES));
    return { text: buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, 0)), writtenAt: mtime };
  } finally {
    closeSync(descriptor);
  }
}

export const folderExists = ({ path }: AttemptFolder): boolean => existsSync(path);
export const planExists = ({ plan }: AttemptFolder): boolean => existsSync(plan);
export const hasStarted = ({ path }: AttemptFolder): boolean => existsSync(join(path, 'started'));

/** Answers whether it is new. */
export function makeFolder({ path }: AttemptFolder): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
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
export function makeDurability(home: string): { sync(): Promise<void>; close(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  let folder: Promise<FileHandle> | null = null;
  const sync = async (): Promise<void> => {
    folder ??= open(home, 'r');
    try {
      await (await folder).sync();
    } catch (error) {
      folder = null;
      throw error;
    }
  };
  return {
    sync() {
      next ??= running
        .catch(() => {})
        .then(() => {
          next = null;
          running = sync();
          return running;
        });
      return next;
    },
    async close() {
      await running.catch(() => {});
      await (await folder)?.close();
    },
  };
}

/**
 * Writes the plan beside its place and renames it. When somebody else's is there first, theirs is used: both were made
 * from the same spec.
 */
export async function putPlan(folder: AttemptFolder, boot: string, facts: Facts, write: (temporary: string) => Promise<void> | void): Promise<void> {
  const temporary = join(folder.path, `plan-${randomUUID()}`);
  try {
    mkdirSync(temporary, { mode: 0o700 });
    await write(temporary);
    writeFileSync(join(temporary, 'exit'), preparedRecord(boot, facts), { mode: 0o600 });
    renameSync(temporary, folder.plan);
  } catch (error) {
    // What is left of it goes with the folder.
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    if (!isCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Takes the attempt so that it never runs. False when somebody took it before. Dying half-way leaves `gone`. */
export function takeAsStopped(folder: AttemptFolder, signal: string): boolean {
  try {
    writeFileSync(join(folder.path, 'started'), `${STOPPED}${signal}\n`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST', 'ENOENT')) return false;
    throw error;
  }
}
const STOPPED = 'stopped by ';

/** The text is the whole file: the facts are behind the record. */
export interface RecordedExit extends SmallFile {
  readonly record: ExitRecord;
}

export function readExit({ plan }: AttemptFolder): RecordedExit | null {
  const file = readSmallFile(join(plan, 'exit'));
  const record = file === null ? null : parseExitRecord(file.text);
  return file === null || record === null ? null : { ...file, record };
}

export interface Started {
  readonly at: Date;
  /** The signal of a stop that came before the start: nothing ran, and nothing will. */
  readonly stoppedBy: string | null;
  /** null when nothing was to run, or the monitor has not written who it is, and perhaps died before it could. */
  readonly monitor: { readonly pid: number; readonly startTicks: number | null } | null;
}

export function readStarted({ path }: AttemptFolder): Started | null {
  const file = readSmallFile(join(path, 'started'));
  if (file === null) return null;
  const { text, writtenAt: at } = file;
  if (text.startsWith(STOPPED) && text.endsWith('\n')) return { at, stoppedBy: text.slice(STOPPED.length, -1), monitor: null };
  const pid = Number.parseInt(text, 10);
  if (Number.isNaN(pid)) return { at, stoppedBy: null, monitor: null };
  return { at, stoppedBy: null, monitor: { pid, startTicks: parseProcessStat(text.slice(text.indexOf(' ') + 1))?.startTicks ?? null } };
}

export function readNote({ path }: AttemptFolder): string {
  // The rest of what the monitor had reserved is blank.
  return readSmallFile(join(path, 'note'))?.text.replace(/ +\n?$/, '') ?? '';
}

/**
 * Removes an attempt's folder. `started` is the last of it: a crash on the way leaves one that has been taken, which
 * counts as gone and never runs again. Whatever else lies there, such as the roots of the other sandboxes, which a job may
 * have filled, is removed without holding up the server.
 */
export async function removeFolder(folder: AttemptFolder): Promise<void> {
  const { path, plan } = folder;
  if (!removeFiles(join(plan, 'inside')) || !removeFiles(plan)) await rm(plan, { recursive: true, force: true });
  for (const name of namesIn(path)) {
    if (name !== 'started' && !removeFile(join(path, name))) await rm(join(path, name), { recursive: true, force: true });
  }
  if (!removeFiles(path)) await rm(path, { recursive: true, force: true });
}

/** Our own files in a folder are ten at most. */
const FILES_LIMIT = 32;

/** Removes a folder that has only a few files. False when there is more in it. */
function removeFiles(folder: string): boolean {
  const names = namesIn(folder);
  if (names.length > FILES_LIMIT || !names.every((name) => removeFile(join(folder, name)))) return false;
  try {
    rmdirSync(folder);
  } catch (error) {
    if (isCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    if (!isCode(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
  return true;
}

/** Idempotent. False when it is a folder. */
function removeFile(path: string): boolean {
  try {
    unlinkSync(path);
  } catch (error) {
    if (isCode(error, 'EISDIR', 'EPERM')) return false;
    if (!isCode(error, 'ENOENT')) throw error;
  }
  return true;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** Whatever the server's umask is, the job's user may read this folder, if it can reach it. */
export function openToJob(folder: string): void {
  if ((process.umask() & 0o055) === 0) return;
  chmodSync(folder, 0o755);
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644);
}

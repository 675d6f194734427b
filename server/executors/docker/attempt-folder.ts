import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AttemptId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import { EngineUnreachable } from '../executor.ts';

/**
 * What is kept of an attempt beside its container:
 * - `script`: the script of its command
 * - `container`: the container's id and image, written before it is started. While this is here and the container is not,
 *   the attempt is gone, and is not run again
 * - `stopped`: a stop came before the start, so there will be none
 * - `turn-<n>`, `turn-<n>.over`: whose turn it is to start or stop; see `takeTurn`
 */
export interface AttemptFolder {
  readonly path: string;
  readonly script: string;
}

export const attemptFolder = (home: string, attempt: AttemptId): AttemptFolder => {
  const path = join(home, attempt);
  return { path, script: join(path, 'script') };
};

const ContainerRecord = z.object({ container: z.string(), imageDigest: z.string() });
export type ContainerRecord = z.infer<typeof ContainerRecord>;

const isCode = (error: unknown, ...codes: string[]): boolean => codes.includes((error as NodeJS.ErrnoException).code ?? '');
const readText = (file: string): Promise<string | null> =>
  readFile(file, 'utf8').catch((error: unknown) => {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  });

export const makeFolder = async ({ path }: AttemptFolder): Promise<void> => void (await mkdir(path, { recursive: true, mode: 0o700 }));
export const removeFolder = ({ path }: AttemptFolder): Promise<void> => rm(path, { recursive: true, force: true });
export const folderExists = ({ path }: AttemptFolder): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Read by the job's user, whoever that is. Replaced whole, since two starts may prepare the same attempt. */
export async function writeScript({ path, script }: AttemptFolder, text: string): Promise<void> {
  const temporary = join(path, `script-${randomUUID()}`);
  await writeFile(temporary, text, { mode: 0o444 });
  await rename(temporary, script);
}

export async function readContainer({ path }: AttemptFolder): Promise<ContainerRecord | null> {
  const text = await readText(join(path, 'container'));
  return text === null ? null : ContainerRecord.parse(JSON.parse(text));
}

export async function writeContainer({ path }: AttemptFolder, record: ContainerRecord): Promise<void> {
  const temporary = join(path, `container-${randomUUID()}`);
  await writeFile(temporary, JSON.stringify(record), { mode: 0o600, flush: true });
  await rename(temporary, join(path, 'container'));
}

/** Under which start of the engine this attempt's container was first told to start; null when it never was. */
export const readBegun = ({ path }: AttemptFolder): Promise<string | null> => readText(join(path, 'begun'));

export async function writeBegun({ path }: AttemptFolder, engineStart: string): Promise<void> {
  const temporary = join(path, `begun-${randomUUID()}`);
  await writeFile(temporary, engineStart, { mode: 0o600, flush: true });
  await rename(temporary, join(path, 'begun'));
}

export const readStopped = ({ path }: AttemptFolder): Promise<string | null> => readText(join(path, 'stopped'));
/** The first order counts. False when the folder is not there any more. */
export async function writeStopped({ path }: AttemptFolder, signal: string): Promise<boolean> {
  const temporary = join(path, `stopped-${randomUUID()}`);
  try {
    await writeFile(temporary, signal, { mode: 0o600 });
    await link(temporary, join(path, 'stopped'));
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return true;
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Who takes turns: a process, by what tells it from a later one with its number. */
export interface TurnTaker {
  readonly pid: number;
  /** From /proc/<pid>/stat, in ticks since the boot; null where there is no /proc. */
  readonly startTicks: string | null;
  readonly boot: string;
}

export const TurnTaker: z.ZodType<TurnTaker> = z.object({ pid: z.number(), startTicks: z.string().nullable(), boot: z.string() });
const TURN = /^turn-(\d+)$/;
const POLL_MS = 20;
/** Longer than any call to the engine may take. */
const PATIENCE_MS = 180_000;

const startTicksOf = async (pid: number): Promise<string | null> => {
  const text = await readText(`/proc/${pid}/stat`).catch(() => null);
  // The name, in brackets, may have blanks; the start time is the 20th field behind it.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
};

export async function thisProcess(): Promise<TurnTaker> {
  const boot = ((await readText('/proc/sys/kernel/random/boot_id')) ?? 'unknown').trim();
  return { pid: process.pid, startTicks: await startTicksOf(process.pid), boot };
}

export const isAlive = async (taker: TurnTaker, me: TurnTaker): Promise<boolean> =>
  taker.boot === me.boot && (await startTicksOf(taker.pid)) === taker.startTicks;

/**
 * One at a time, over all processes of this machine, may look at a container and then start it. The engine starts an
 * exited container as readily as a new one, so between the look and the start nobody else may start it: it could run and
 * end in between, and would run twice.
 *
 * A turn is a file that is created exclusively with its content; it is over when a second file says so, or when its holder
 * is dead. Turns are only ever added, so that nobody can remove one that has just been taken.
 */
export async function takeTurn<T>({ path }: AttemptFolder, me: TurnTaker, clock: Clock, work: () => Promise<T>): Promise<T> {
  const temporary = join(path, `taker-${randomUUID()}`);
  await writeFile(temporary, JSON.stringify(me), { mode: 0o600 });
  const deadlineMs = clock.now().getTime() + PATIENCE_MS;
  let turn: string | null = null;
  try {
    while (turn === null) {
      const numbers = (await readdir(path)).flatMap((name) => TURN.exec(name)?.[1] ?? []).map(Number);
      const latest = Math.max(0, ...numbers);
      if (latest === 0 || (await isOver(path, latest, me))) {
        const next = join(path, `turn-${latest + 1}`);
        try {
          await link(temporary, next);
          turn = next;
        } catch (error) {
          if (!isCode(error, 'EEXIST')) throw error;
        }
        continue;
      }
      if (clock.now().getTime() > deadlineMs) throw new EngineUnreachable('Another process has been starting this attempt for minutes.');
      await clock.sleep(POLL_MS);
    }
    return await work();
  } finally {
    if (turn !== null) {
      // The folder may be gone: the attempt was removed.
      await writeFile(`${turn}.over`, '').catch((error: unknown) => {
        if (!isCode(error, 'ENOENT')) throw error;
      });
    }
    await unlink(temporary).catch(() => {});
  }
}

async function isOver(path: string, number: number, me: TurnTaker): Promise<boolean> {
  if ((await readText(join(path, `turn-${number}.over`))) !== null) return true;
  const text = await readText(join(path, `turn-${number}`));
  if (text === null) return true;
  return !(await isAlive(TurnTaker.parse(JSON.parse(text)), me));
}

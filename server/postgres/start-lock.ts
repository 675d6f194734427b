import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresError } from './postgres-error.ts';
import { waitUntil } from './postgres-timing.ts';
import { readProcess } from './read-process.ts';

/**
 * One process at a time starts, replaces or stops the PostgreSQL of a folder. Node has no flock, and the usual lock file
 * has a race when a dead holder's file is removed (two waiters see it dead, the second removes the first one's new
 * lock). So nothing is ever taken away from a holder: the lock is the highest numbered file, and a waiter that finds its
 * holder dead or done creates the next number.
 *
 * - `link` creates a number whole or not at all, and for one process only.
 * - Lower numbers are removed only by the holder of a higher one, so whoever succeeds in creating a number that is not the highest
 *   came late with an old listing, and steps back.
 * - Dying anywhere leaves at most a number whose holder is dead, and that is what everybody can step over.
 */
export async function withStartLock<Result>(folder: string, withinMilliseconds: number, action: () => Promise<Result>): Promise<Result> {
  const locks = join(folder, 'start-lock');
  await mkdir(locks, { recursive: true, mode: 0o700 });
  const me = readProcess(process.pid);
  const content = JSON.stringify({ pid: process.pid, mark: me?.mark });
  let mine: number | undefined;
  let holder: Holder | undefined;
  const taken = await waitUntil(async () => {
    const top = await highest(locks);
    holder = await livingHolder(locks, top);
    if (holder !== undefined) return false;
    mine = await create(locks, top + 1, content);
    return mine !== undefined;
  }, withinMilliseconds);
  if (!taken || mine === undefined) {
    throw new PostgresError(
      'busy',
      `Process ${holder?.pid ?? '?'} has been starting or stopping the database in ${folder} for ${withinMilliseconds / 1000} s. Wait for it or end it, then try again.`,
    );
  }
  try {
    return await action();
  } finally {
    await truncate(join(locks, String(mine)), 0); // needs no space, so a full disk cannot keep it locked
  }
}

interface Holder {
  readonly pid: number;
  readonly mark?: string;
}

async function highest(locks: string): Promise<number> {
  const numbers = (await readdir(locks)).filter((name) => /^\d+$/.test(name)).map(Number);
  return Math.max(0, ...numbers);
}

async function livingHolder(locks: string, number: number): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(join(locks, String(number)), 'utf8')) as Holder;
    return readProcess(holder.pid)?.mark === holder.mark ? holder : undefined;
  } catch {
    return undefined; // released (empty), removed by a later holder, or cut off by a power loss
  }
}

async function create(locks: string, number: number, content: string): Promise<number | undefined> {
  const draft = join(locks, `draft-${randomUUID()}`);
  await writeFile(draft, content, { mode: 0o600 });
  try {
    await link(draft, join(locks, String(number)));
  } catch {
    return undefined;
  } finally {
    await rm(draft, { force: true });
  }
  if ((await highest(locks)) !== number) {
    await rm(join(locks, String(number)), { force: true });
    return undefined;
  }
  // Drafts of the dead go too; a living waiter whose draft this takes fails to link it, and tries again.
  for (const name of await readdir(locks)) {
    if (name.startsWith('draft-') || Number(name) < number) await rm(join(locks, name), { force: true });
  }
  return number;
}

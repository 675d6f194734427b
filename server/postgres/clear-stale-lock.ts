import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresError } from './postgres-error.ts';
import type { PostgresLog } from './postgres-log.ts';
import { type PostgresTiming, waitUntil } from './postgres-timing.ts';
import { readPostmaster } from './read-postmaster.ts';
import { endAtOnce, readProcess } from './read-process.ts';

/**
 * A backend that outlives its postmaster still writes data pages. Two generations at work at once are what destroys a database,
 * so all must be gone before the next postmaster starts. Most notice by themselves within milliseconds.
 */
export async function endLeftovers(dataFolder: string, timing: PostgresTiming): Promise<void> {
  if (await leftoversGone(dataFolder, timing.leftoversWithinMilliseconds)) return;
  for (const { pid, mark } of leftoversOf(dataFolder)) {
    if (readProcess(pid)?.mark === mark) endAtOnce(pid);
  }
  if (await leftoversGone(dataFolder, timing.immediateStopWithinMilliseconds)) return;
  const pids = leftoversOf(dataFolder).map(({ pid }) => pid);
  throw new PostgresError(
    'cannot-start',
    `Processes ${pids.join(', ')} of an earlier PostgreSQL still use ${dataFolder} and do not end. End them (kill -9), then try again.`,
  );
}

/**
 * PostgreSQL itself refuses to start while the pid in its lock file exists, be it a zombie or somebody else's by now. Called under the start lock
 * only: nobody else launches meanwhile, so the files removed here cannot belong to a new postmaster. Dying in the middle
 * leaves fewer stale files, and the next call goes on.
 */
export async function removeStaleLock(dataFolder: string, socketFolder: string, log: PostgresLog): Promise<void> {
  const found = readPostmaster(dataFolder);
  if (found.is !== 'dead') return;
  const stale = (await readdir(socketFolder)).filter((name) => name.startsWith('.s.PGSQL.'));
  for (const name of stale) await rm(join(socketFolder, name), { force: true });
  await rm(join(dataFolder, 'postmaster.pid'), { force: true });
  log.warn({ dataFolder, lockedBy: found.lockedBy }, 'The database was not shut down last time; its stale lock was removed and it will recover');
}

const leftoversGone = (dataFolder: string, withinMilliseconds: number) => waitUntil(() => leftoversOf(dataFolder).length === 0, withinMilliseconds);

function leftoversOf(dataFolder: string) {
  const found = readPostmaster(dataFolder);
  return found.is === 'dead' ? found.leftovers : [];
}

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorCode } from './postgres-error.ts';
import { type ProcessFacts, processesIn, readProcess } from './read-process.ts';

export type Postmaster =
  | { readonly is: 'absent' }
  | { readonly is: 'running'; readonly pid: number; readonly socketFolder: string | undefined }
  /** The lock file or processes of a postmaster that lives no more. */
  | { readonly is: 'dead'; readonly lockedBy: number | undefined; readonly leftovers: readonly ProcessFacts[] };

export interface PostmasterFile {
  readonly pid: number;
  /** Written a moment after the rest, so it may be missing in a postmaster that has just begun. */
  readonly socketFolder: string | undefined;
}

export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, socketFolder: lines[4] === undefined || lines[4] === '' ? undefined : lines[4] };
}

/** Believes the lock file only where the process table agrees: its pid may be dead, a zombie, or by now somebody else's. */
export function readPostmaster(dataFolder: string): Postmaster {
  const file = readPostmasterFile(dataFolder);
  const named = typeof file === 'object' ? readProcess(file.pid) : undefined;
  const residents = processesIn(dataFolder);
  const lives =
    named !== undefined &&
    basename(named.program) === 'postgres' &&
    (residents === undefined ? named.command.includes(dataFolder) : residents.some(({ pid }) => pid === named.pid));
  if (lives && typeof file === 'object') return { is: 'running', pid: file.pid, socketFolder: file.socketFolder };
  // Besides the server itself only PostgreSQL is ever judged by its folder: a shell somebody opened there is not ours to end.
  const leftovers = (residents ?? []).filter(({ program }) => basename(program) === 'postgres' || program.startsWith('postgres: '));
  if (file === 'none' && leftovers.length === 0) return { is: 'absent' };
  return { is: 'dead', lockedBy: typeof file === 'object' ? file.pid : undefined, leftovers };
}

function readPostmasterFile(dataFolder: string): PostmasterFile | 'none' | 'broken' {
  try {
    return parsePostmasterFile(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8')) ?? 'broken';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'none';
    throw error;
  }
}

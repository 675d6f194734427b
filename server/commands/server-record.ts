import { readFileSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** What a running server writes into its home, so that `status`, `down` and a second start find it. */
const ServerRecord = z.object({ pid: z.number().int(), startedAt: z.string(), url: z.string(), version: z.string() });
export type ServerRecord = z.infer<typeof ServerRecord>;

const fileOf = (home: string): string => path.join(home, 'server.json');

/**
 * When a process began, as the system counts it: tells a process from a later one with the same number. Empty where the
 * system does not say; then the number alone has to do.
 */
export function processStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

export function isAlive(record: Pick<ServerRecord, 'pid' | 'startedAt'>): boolean {
  try {
    process.kill(record.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return processStart(record.pid) === record.startedAt;
}

export async function readServerRecord(home: string): Promise<ServerRecord | null> {
  const text = await readFile(fileOf(home), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return ServerRecord.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The server that runs on this home, or null. */
export async function findRunningServer(home: string): Promise<ServerRecord | null> {
  const record = await readServerRecord(home);
  return record !== null && isAlive(record) ? record : null;
}

export async function writeServerRecord(home: string, record: ServerRecord): Promise<void> {
  // One name for all: only one server at a time has this home, and the next one takes over what a killed one left.
  const draft = `${fileOf(home)}.new`;
  await writeFile(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(draft, fileOf(home));
}

export async function removeServerRecord(home: string, pid: number): Promise<void> {
  if ((await readServerRecord(home))?.pid === pid) await rm(fileOf(home), { force: true });
}

import type { ClaimedRun } from '#runs/claim-runs.ts';
import type { RunFolders } from '#staging/run-folders.ts';
import type { AttemptId, RunId } from '@sodate/contract/ids.ts';
import { linkSync, unlinkSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

/** Sent in one message of a live log at most: base64 makes it a third more on the wire. */
const LOG_BATCH_BYTES = 256 * 1024;

/**
 * Shows the log to the job, under the name its users know, as a second name of the file in /kqi/attach. The job may do
 * with that name what it likes: the file itself belongs to the server and stays where it is. Synchronous: mostly one call of
 * 10 µs, which through Node's thread pool would take the server ten times that.
 */
export function showLogToJob(folders: RunFolders, run: Pick<ClaimedRun, 'id' | 'kind' | 'number' | 'attempt_id'>): void {
  const file = folders.logFile(run.id as RunId, run.attempt_id as AttemptId);
  const shown = path.join(folders.attach(run.id as RunId), `${run.kind}_stdout_stderr_${run.number}.log`);
  try {
    linkSync(file, shown);
  } catch (error) {
    // No attach folder (a task), or another file system: the log itself is elsewhere.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') replaceLink(file, shown);
  }
}

/** That of an earlier attempt, or what a job has put there; where that is more than a file it stays. */
function replaceLink(file: string, shown: string): void {
  try {
    unlinkSync(shown);
    linkSync(file, shown);
  } catch {
    // A folder stands there, or the other reasons for which the log is not shown.
  }
}

export interface LogPiece {
  readonly bytes: Buffer;
  /** Where the next piece begins. */
  readonly offset: number;
}

/** A log file open for reading, from a byte on. */
export interface LogReader {
  /** The next bytes there are, or null when there are none now. */
  next(): Promise<LogPiece | null>;
  close(): Promise<void>;
}

/** Opens an attempt's log; negative offsets count from its present end. null while there is none. */
export async function openLog(
  file: string,
  from: number,
): Promise<(LogReader & { readonly handle: FileHandle; readonly start: number; readonly size: number }) | null> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return null;
  const { size } = await handle.stat();
  const start = from >= 0 ? from : Math.max(0, size + from);
  const at = { offset: start };
  const buffer = Buffer.allocUnsafe(LOG_BATCH_BYTES);
  return {
    handle,
    start,
    size,
    async next() {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at.offset);
      if (bytesRead === 0) return null;
      at.offset += bytesRead;
      return { bytes: Buffer.from(buffer.subarray(0, bytesRead)), offset: at.offset };
    },
    close: () => handle.close(),
  };
}

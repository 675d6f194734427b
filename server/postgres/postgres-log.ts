import { copyFile, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** What the launcher has to tell; a pino logger fits. */
export interface PostgresLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export const MAXIMUM_LOG_BYTES = 4 * 1024 * 1024;

export const logFileOf = (folder: string) => join(folder, 'postgres.log');

/**
 * The postmaster writes to a file of ours opened for appending, so cutting it to nothing is safe while it writes. What it
 * writes between the copy and the cut is lost, which a diagnostic log can bear. PostgreSQL's own collector costs one more process and
 * cannot bound the size of a day.
 */
export async function boundLog(file: string, maximumBytes: number): Promise<void> {
  const size = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  if (size <= maximumBytes) return;
  await copyFile(file, `${file}.1`);
  await truncate(file, 0);
}

export async function lastLogLines(file: string, from: number, lines = 12): Promise<string> {
  const text = await readFile(file).then(
    (bytes) => bytes.subarray(Math.min(from, bytes.length)).toString(),
    () => '',
  );
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

import type { Dirent } from 'node:fs';
import { lstat, opendir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** A mirror, or a checked-out commit. */
export interface GitCopy {
  readonly kind: 'mirror' | 'checkout';
  readonly place: string;
  /** Its place below the folder of git. */
  readonly name: string;
  readonly changedAtMs: number;
  /** Bytes that it takes on the disk; fewer when it is told to end. */
  measure(signal: AbortSignal): Promise<number>;
}

/** All that stand in their places, `mirrors/<endpoint>/<repository>.git` and `checkouts/<endpoint>/<repository>/<commit>`; not what is being made. */
export async function findCopies(folder: string): Promise<readonly GitCopy[]> {
  const mirrors = await below(folder, 'mirrors', 2);
  const checkouts = await below(folder, 'checkouts', 3);
  const found: GitCopy[] = [];
  for (const [kind, names] of [
    ['mirror', mirrors],
    ['checkout', checkouts],
  ] as const) {
    for (const name of names) {
      const place = path.join(folder, name);
      const seen = await stat(place).catch(() => null);
      if (seen !== null) found.push({ kind, place, name, changedAtMs: seen.mtimeMs, measure: (signal) => bytesOf(place, signal) });
    }
  }
  return found;
}

async function below(folder: string, name: string, depth: number): Promise<readonly string[]> {
  if (depth === 0) return [name];
  const entries: Dirent[] = await readdir(path.join(folder, name), { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) if (entry.isDirectory()) found.push(...(await below(folder, path.join(name, entry.name), depth - 1)));
  return found;
}

/** As the disk counts, in blocks. What vanishes meanwhile counts nothing. */
async function bytesOf(folder: string, signal: AbortSignal): Promise<number> {
  const waiting = [Buffer.from(folder)];
  let bytes = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    // Bytes, since names in a repository need not be UTF-8. The types know no `buffer` here; Node does.
    const listing = await opendir(next, { encoding: 'buffer' as BufferEncoding }).catch(() => null);
    if (listing === null) continue;
    try {
      for await (const entry of listing as unknown as AsyncIterable<Dirent<Buffer>>) {
        if (signal.aborted) return bytes;
        const at = Buffer.concat([next, SLASH, entry.name]);
        if (entry.isDirectory()) waiting.push(at);
        bytes += ((await lstat(at).catch(() => null))?.blocks ?? 0) * BLOCK_BYTES;
      }
    } catch {
      // Removed while it was being listed.
    }
  }
  return bytes;
}

const SLASH = Buffer.from('/');
/** Of `blocks`, whatever the file system's own are. */
const BLOCK_BYTES = 512;

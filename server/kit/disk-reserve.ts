import type { Log } from '#kit/log.ts';
import { randomBytes } from 'node:crypto';
import { open, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';

const MEBIBYTE = 2 ** 20;
export const DISK_RESERVE_BYTES = 32 * MEBIBYTE;
/** Below so many free bytes the reserve is given back. */
const FULL_BYTES = 4 * MEBIBYTE;
/** It is set aside, once or anew, where there is plenty. */
const PLENTY_BYTES = 512 * MEBIBYTE;

/**
 * A file that only takes room, and goes when the disk is full. Otherwise a job that fills the disk could not be recorded
 * as ended, because the database needs some pages for that; and a run that has not ended cannot be deleted, which is
 * what would free the space.
 */
export function makeDiskReserve(file: string, log: Log, bytes = DISK_RESERVE_BYTES): { tend(): Promise<void> } {
  return {
    async tend() {
      const kept = await stat(file).catch(() => null);
      const { bavail, bsize } = await statfs(path.dirname(file));
      const free = bavail * bsize;
      if (kept !== null && free < FULL_BYTES) {
        await rm(file, { force: true });
        log.warn({ freed: kept.size }, 'the disk is full: what was set aside for that is given back, so that what ends can be written down; free some space');
      }
      if (kept === null && free > PLENTY_BYTES) await setAside(file, bytes);
    },
  };
}

async function setAside(file: string, bytes: number): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    // Random, so that it takes its room on file systems that compress, too.
    for (let written = 0; written < bytes; written += MEBIBYTE) await handle.write(randomBytes(MEBIBYTE));
  } finally {
    await handle.close();
  }
}

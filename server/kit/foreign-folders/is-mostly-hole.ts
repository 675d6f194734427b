import type { FileHandle } from 'node:fs/promises';

const SMALLEST_BYTES = 1024 ** 3;
const OF_WHICH_ON_DISK = 1 / 64;
/** That of `Stats.blocks`, whatever the file system's own. */
const BLOCK_BYTES = 512;

/**
 * Whether nearly nothing of a large file is on the disk. One call makes such a file of petabytes, and whoever reads it to
 * its end does nothing else for weeks.
 */
export async function isMostlyHole(file: FileHandle): Promise<boolean> {
  if (!looksLikeHole(await file.stat())) return false;
  // Some file systems count what was written only when it has come to the disk.
  await file.datasync();
  return looksLikeHole(await file.stat());
}

const looksLikeHole = ({ size, blocks }: { readonly size: number; readonly blocks: number }): boolean =>
  size > SMALLEST_BYTES && blocks * BLOCK_BYTES < size * OF_WHICH_ON_DISK;

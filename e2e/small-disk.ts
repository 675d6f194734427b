import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface SmallDisk {
  readonly folder: string;
  /** Writes a file until nothing more fits but `leaveBytes`. */
  fill(leaveBytes: number): Promise<void>;
  /** Removes that file. */
  free(): Promise<void>;
  resize(mebibytes: number): void;
  remove(): Promise<void>;
}

/** null, or why this machine cannot mount one. */
export async function whyNoSmallDisk(): Promise<string | null> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting a small disk needs Linux and root';
  try {
    await (await makeSmallDisk(1)).remove();
    return null;
  } catch (error) {
    return `a small disk cannot be mounted here: ${(error as Error).message.split('\n')[0]}`;
  }
}

export async function makeSmallDisk(mebibytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-disk-'));
  const mount = (options: string): void => void execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    mount(`size=${mebibytes}m,mode=700`);
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  const filler = path.join(folder, 'filler');
  return {
    folder,
    async fill(leaveBytes) {
      const file = await open(filler, 'w');
      try {
        const block = Buffer.alloc(1024 * 1024, 1);
        for (let size = block.length; size > 0;) {
          const written = await file.write(block, 0, size).catch(() => ({ bytesWritten: 0 }));
          // Ever smaller pieces, so that not even one more block fits.
          if (written.bytesWritten < size) size = Math.floor(size / 2);
        }
        if (leaveBytes > 0) await file.truncate(Math.max(0, (await file.stat()).size - leaveBytes));
      } finally {
        await file.close();
      }
    },
    free: () => rm(filler, { force: true }),
    resize: (size) => mount(`remount,size=${size}m`),
    async remove() {
      // Lazily: a process that is just ending must not keep the disk.
      execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

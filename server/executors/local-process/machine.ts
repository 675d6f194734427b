import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { type CgroupTree, groupsUpward } from './cgroup-mounts.ts';

export interface MachineSize {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

const numberIn = async (file: string): Promise<number | null> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  const value = Number(text.trim());
  return text.trim() === '' || !Number.isFinite(value) || value < 0 ? null : value;
};

async function cpuLimitMilli(tree: CgroupTree, group: string): Promise<number | null> {
  if (tree.version === 2) {
    const [quota, period] = (await readFile(join(group, 'cpu.max'), 'utf8').catch(() => '')).trim().split(' ').map(Number);
    return quota && period ? Math.floor((quota * 1000) / period) : null;
  }
  const quota = await numberIn(join(group, 'cpu.cfs_quota_us'));
  const period = await numberIn(join(group, 'cpu.cfs_period_us'));
  return quota && period ? Math.floor((quota * 1000) / period) : null;
}

/** What this machine has, less what the server's own cgroup and those above it deny: the size of a container, for one. */
export async function machineSize(trees: readonly CgroupTree[]): Promise<MachineSize> {
  let cpuMilli = availableParallelism() * 1000;
  let memoryBytes = totalmem();
  for (const tree of trees) {
    for (const group of groupsUpward(tree)) {
      if (tree.controllers.includes('cpu')) cpuMilli = Math.min(cpuMilli, (await cpuLimitMilli(tree, group)) ?? cpuMilli);
      if (tree.controllers.includes('memory')) {
        const limit = await numberIn(join(group, tree.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'));
        memoryBytes = Math.min(memoryBytes, limit ?? memoryBytes);
      }
    }
  }
  return { cpuMilli, memoryBytes };
}

export async function diskProblem(folder: string, minimumFreeBytes: number): Promise<string | null> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= minimumFreeBytes) return null;
  const mebibytes = (bytes: number): number => Math.floor(bytes / 2 ** 20);
  return `The disk of ${folder} is nearly full: ${mebibytes(freeBytes)} MiB are free, jobs start only with ${mebibytes(minimumFreeBytes)} MiB.`;
}

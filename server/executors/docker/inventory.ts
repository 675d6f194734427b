import { statfs } from 'node:fs/promises';
import type { InventoryNode } from '../executor.ts';

export interface InventoryOptions {
  /** What the engine says of itself. */
  readonly info: EngineInfo;
  readonly nodeName: string;
  /** GPUs of this machine, by the ids that the engine takes. */
  readonly readGpus: () => Promise<InventoryNode['gpus']>;
  /** With less free space on the disk of the engine's images and containers the node reports a problem. */
  readonly minimumFreeBytes: number;
}

/** What the engine has of this machine. */
export async function readInventory({ info, nodeName, readGpus, minimumFreeBytes }: InventoryOptions): Promise<InventoryNode> {
  const gpus = await readGpus();
  return {
    name: nodeName,
    cpuMilli: info.NCPU * 1000,
    memoryBytes: info.MemTotal,
    gpus,
    problem: unfit(info) ?? (await diskProblem(info.DockerRootDir, minimumFreeBytes)),
  };
}

export interface EngineInfo {
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly DockerRootDir: string;
  readonly MemoryLimit: boolean;
  readonly CpuCfsQuota: boolean;
  readonly PidsLimit: boolean;
  readonly OSType: string;
  readonly SecurityOptions: readonly string[] | null;
}

function unfit({ OSType, SecurityOptions }: EngineInfo): string | null {
  if (OSType !== 'linux') return `The Docker engine runs ${OSType} containers; jobs need Linux ones.`;
  // Root inside is somebody else outside, whom the folders of jobs do not belong to.
  if (SecurityOptions?.some((option) => option.includes('userns')))
    return 'The Docker engine remaps users (userns-remap), so that jobs cannot write: switch that off.';
  return null;
}

async function diskProblem(folder: string, minimumFreeBytes: number): Promise<string | null> {
  // An engine behind a forwarded socket has its folder elsewhere; a user who is not root may not look into it.
  const space = await statfs(folder).catch(() => null);
  if (space === null) return null;
  const freeBytes = space.bavail * space.bsize;
  if (freeBytes >= minimumFreeBytes) return null;
  const mebibytes = (bytes: number): number => Math.floor(bytes / 2 ** 20);
  return `The disk of ${folder} is nearly full: ${mebibytes(freeBytes)} MiB are free, jobs start only with ${mebibytes(minimumFreeBytes)} MiB.`;
}

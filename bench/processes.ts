import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const TICKS_PER_SECOND = 100;

interface ProcessStat {
  readonly parent: number;
  readonly ownMs: number;
  /** Of children that have ended and were waited for. */
  readonly childrenMs: number;
}

function readStat(pid: number): ProcessStat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    const ms = (at: number): number => ((fields[at] ?? 0) + (fields[at + 1] ?? 0)) * (1000 / TICKS_PER_SECOND);
    return { parent: fields[1] ?? 0, ownMs: ms(11), childrenMs: ms(13) };
  } catch {
    return null;
  }
}

/** A process and all below it. */
export function processesBelow(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : null;
    if (stat !== null) children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid]);
  }
  const found = [root];
  for (let at = 0; at < found.length; at += 1) found.push(...(children.get(found[at] ?? 0) ?? []));
  return found;
}

export function postmasterOf(home: string): number | null {
  try {
    return Number(readFileSync(path.join(home, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return null;
  }
}

/** Memory in MB, what is shared counted by its share. */
export function proportionalMegabytes(pids: readonly number[]): number {
  const kilobytes = pids.map((pid) => {
    try {
      return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      return 0;
    }
  });
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
}

export interface CpuUse {
  readonly ownMs: number;
  readonly endedChildrenMs: number;
}

export function cpuOf(pids: readonly number[]): CpuUse {
  const stats = pids.map(readStat);
  return {
    ownMs: stats.reduce((sum, stat) => sum + (stat?.ownMs ?? 0), 0),
    endedChildrenMs: stats.reduce((sum, stat) => sum + (stat?.childrenMs ?? 0), 0),
  };
}

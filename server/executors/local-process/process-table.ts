import { readdir, readFile } from 'node:fs/promises';

/** One line of /proc/<pid>/stat. Linux only; elsewhere every list is empty and every look-up null. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly zombie: boolean;
  /** Clock ticks since boot: with the pid it names a process beyond doubt, since pids are used again. */
  readonly startTicks: number;
}

export function parseProcessStat(text: string): ProcessEntry | null {
  // The name in parentheses may itself contain spaces and parentheses, hence the last one.
  const nameEnd = text.lastIndexOf(')');
  if (nameEnd < 0) return null;
  const fields = text.slice(nameEnd + 2).split(' ');
  const entry = {
    pid: Number.parseInt(text, 10),
    parent: Number(fields[1]),
    session: Number(fields[3]),
    zombie: fields[0] === 'Z' || fields[0] === 'X',
    startTicks: Number(fields[19]),
  };
  return Number.isNaN(entry.pid) || Number.isNaN(entry.startTicks) ? null : entry;
}

export async function readProcess(pid: number): Promise<ProcessEntry | null> {
  try {
    return parseProcessStat(await readFile(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null;
  }
}

async function allPids(): Promise<number[]> {
  try {
    return (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  } catch {
    return [];
  }
}

/** Everything below a process, nearest first. */
export async function descendantsOf(root: number): Promise<ProcessEntry[]> {
  const childrenOf = new Map<number, ProcessEntry[]>();
  for (const entry of await Promise.all((await allPids()).map(readProcess))) {
    if (entry === null || entry.zombie) continue;
    const siblings = childrenOf.get(entry.parent);
    if (siblings) siblings.push(entry);
    else childrenOf.set(entry.parent, [entry]);
  }
  const found: ProcessEntry[] = [];
  const queue = [root];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    for (const child of childrenOf.get(parent) ?? []) {
      found.push(child);
      queue.push(child.pid);
    }
  }
  return found;
}

/** Processes whose environment at their start contains this entry. A job that clears its environment hides from it. */
export async function processesWithEnvironment(entry: string): Promise<number[]> {
  const needle = `\0${entry}\0`;
  const carries = async (pid: number): Promise<number | null> => {
    try {
      return `\0${await readFile(`/proc/${pid}/environ`, 'latin1')}\0`.includes(needle) ? pid : null;
    } catch {
      return null;
    }
  };
  return (await Promise.all((await allPids()).map(carries))).filter((pid) => pid !== null);
}

/** Sends a signal to a process, or with a negative number to a group; one that has ended is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

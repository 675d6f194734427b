import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';

export interface ProcessFacts {
  readonly pid: number;
  /** Tells this process from a later one with the same pid, also across a reboot. Opaque. */
  readonly mark: string;
  /** The program as it was called; PostgreSQL's children retitle theirs (`postgres: sodate: checkpointer`). */
  readonly program: string;
  readonly command: string;
}

/**
 * A zombie counts as gone: under a PID 1 that reaps slowly (or never, in many containers) a killed process stays
 * visible to `kill(pid, 0)` for seconds, which is what makes PostgreSQL refuse to start on its own stale lock.
 */
export function readProcess(pid: number): ProcessFacts | undefined {
  return process.platform === 'linux' ? readFromProc(pid) : readFromPs(pid);
}

function readFromProc(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces and parentheses itself, so fields are counted from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0], fields[19]];
    if (state === undefined || startTicks === undefined || state === 'Z' || state === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return { pid, mark: `${boot}:${startTicks}`, program: words[0] ?? '', command: words.join(' ').trim() };
  } catch {
    return undefined;
  }
}

function readFromPs(pid: number): ProcessFacts | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=,command=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
    }).trim();
    const parts = /^(\S+)\s+(\S+ +\S+ +\d+ +[\d:]+ +\d+)\s+(.*)$/s.exec(line);
    if (parts === null || parts[1]?.startsWith('Z') !== false) return undefined;
    const command = parts[3] ?? '';
    return { pid, mark: parts[2] ?? '', program: command.split(' -D ')[0] ?? '', command };
  } catch {
    return undefined;
  }
}

/**
 * Living processes whose working directory is `folder`: a postmaster and all its children change into the data folder
 * and stay there, so this finds them even when their lock file, their parent or their title is gone.
 * `undefined` where there is no /proc to ask.
 */
export function processesIn(folder: string): readonly ProcessFacts[] | undefined {
  if (process.platform !== 'linux') return undefined;
  const wanted = statSync(folder, { throwIfNoEntry: false });
  if (wanted === undefined) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        // Compared by inode: the same folder may have several paths (bind mounts, links).
        const found = statSync(`/proc/${name}/cwd`);
        return found.ino === wanted.ino && found.dev === wanted.dev;
      } catch {
        return false;
      }
    })
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

export function endAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone between the look and the signal, or not ours to end: whoever calls this looks again.
  }
}

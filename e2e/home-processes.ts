import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

export interface HomeProcess {
  readonly pid: number;
  readonly command: string;
}

/**
 * Every living process that has to do with a home: it says so in its command line or its environment, works in a folder
 * of it, or carries the mark of one of its attempts. So servers, databases, monitors, sandboxes and jobs are all found.
 */
export async function processesOf(home: string): Promise<readonly HomeProcess[]> {
  const attempts = await attemptsOf(home);
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(pids.map((pid) => look(Number(pid), home, attempts)));
  return found.filter((entry) => entry !== null);
}

/** Attempts that ever ran here: each has a log. */
export async function attemptsOf(home: string): Promise<ReadonlySet<string>> {
  const runs = await readdir(path.join(home, 'runs')).catch(() => []);
  const logs = await Promise.all(runs.map((run) => readdir(path.join(home, 'runs', run, 'logs')).catch(() => [])));
  return new Set(logs.flat().map((name) => name.replace(/\.log$/, '')));
}

async function look(pid: number, home: string, attempts: ReadonlySet<string>): Promise<HomeProcess | null> {
  const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
  const [stat, command, environment, folder] = await Promise.all([
    read('stat'),
    read('cmdline'),
    read('environ'),
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
  ]);
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  if (stat === '' || state === 'Z' || state === 'X') return null;
  const attempt = /(?:^|\0)SODATE_ATTEMPT=([0-9a-f-]{36})/.exec(environment)?.[1];
  const belongs =
    command.includes(home) ||
    environment.includes(home) ||
    folder === home ||
    folder.startsWith(`${home}/`) ||
    (attempt !== undefined && attempts.has(attempt));
  return belongs ? { pid, command: command.replaceAll('\0', ' ').slice(0, 300) } : null;
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Ends whatever is left of a home, by process id. For cleaning up after a test, whatever became of it. */
export async function endProcessesOf(home: string): Promise<void> {
  // What was being started while we looked is found by the next look.
  for (let rounds = 0; rounds < 20; rounds += 1) {
    const found = await processesOf(home);
    if (found.length === 0) return;
    for (const { pid } of found) kill(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

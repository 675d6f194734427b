import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AttemptId } from '@sodate/contract/ids.ts';
import type { AttemptFolder } from './attempt-folder.ts';
import { MARKER_NAME } from './job-environment.ts';
import { MONITOR, MONITOR_EXIT, SHIM } from './scripts.ts';

/** Which program takes a lock that the program after it inherits. flock is util-linux; perl is on nearly everything else. */
export type LockTool = 'flock' | 'perl';

const PERL_LOCK = 'use Fcntl ":flock"; $^F = 255; open(L, ">>", shift) or exit 66; flock(L, LOCK_EX | LOCK_NB) or exit 75; exec { $ARGV[0] } @ARGV; exit 69';
const lockCommand = (tool: LockTool, file: string): string[] =>
  tool === 'flock'
    ? ['flock', '--nonblock', '--no-fork', '--conflict-exit-code', String(MONITOR_EXIT.lockHeld), file]
    : ['perl', '-e', PERL_LOCK, file];

const TOOL_ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

async function exitCodeOf(command: readonly string[]): Promise<number | null> {
  const [file = '', ...args] = command;
  try {
    await promisify(execFile)(file, args, { env: TOOL_ENVIRONMENT, cwd: '/' });
    return 0;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return typeof code === 'number' ? code : null;
  }
}

export async function findLockTool(folder: string): Promise<LockTool> {
  const file = join(folder, '.lock-probe');
  for (const tool of ['flock', 'perl'] as const) if ((await exitCodeOf([...lockCommand(tool, file), 'true'])) === 0) return tool;
  throw new Error('The local process executor needs flock (util-linux) or perl; neither could be run.');
}

/** Whether anything of the attempt still lives. Takes the lock for an instant, so ask only when nothing may start any more. */
export async function isLocked(tool: LockTool, folder: AttemptFolder): Promise<boolean> {
  return (await exitCodeOf([...lockCommand(tool, folder.lock), 'true'])) === MONITOR_EXIT.lockHeld;
}

export interface Programs {
  readonly monitor: string;
  readonly shim: string;
}

/** Files, so that process lists are readable; named by content, so that an upgrade never changes one that sh is reading. */
export async function writePrograms(folder: string): Promise<Programs> {
  const hash = createHash('sha256').update(MONITOR).update(SHIM).digest('hex').slice(0, 16);
  const final = join(folder, `.programs-${hash}`);
  const temporary = `${final}.${process.pid}`;
  await mkdir(temporary, { recursive: true });
  await writeFile(join(temporary, 'monitor'), MONITOR);
  await writeFile(join(temporary, 'run-job'), SHIM);
  await chmod(temporary, 0o755);
  await rename(temporary, final).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    await rm(temporary, { recursive: true });
  });
  return { monitor: join(final, 'monitor'), shim: join(final, 'run-job') };
}

export interface MonitorOrder {
  readonly attempt: AttemptId;
  readonly folder: AttemptFolder;
  readonly lockTool: LockTool;
  readonly programs: Programs;
  readonly logFile: string;
  readonly procsFiles: readonly string[];
  readonly oomFile: string;
  /** The sandbox, SHIM and the job's command. */
  readonly command: readonly string[];
}

export type MonitorVerdict =
  | { readonly kind: 'started'; readonly child: ChildProcess }
  | { readonly kind: 'already-started' }
  | { readonly kind: 'lock-held' }
  /** `certain`: another try would fail in the same way. */
  | { readonly kind: 'failed'; readonly certain: boolean; readonly message: string };

/** In the words of sh for ENOSPC, EAGAIN, ENOMEM and ENFILE. */
const PASSING_TROUBLE = /No space|Cannot fork|temporarily unavailable|Cannot allocate|Too many open files/;

/**
 * Starts a monitor and waits until it has taken the attempt or given up. The monitor is the leader of a session of its
 * own and needs nothing of this process afterwards.
 */
export function spawnMonitor({ attempt, folder, lockTool, programs, logFile, procsFiles, oomFile, command }: MonitorOrder): Promise<MonitorVerdict> {
  const [file = '', ...args] = [...lockCommand(lockTool, folder.lock), 'sh', programs.monitor, folder.path, logFile, procsFiles.join(' '), oomFile, ...command];
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { detached: true, cwd: '/', env: { ...TOOL_ENVIRONMENT, [MARKER_NAME]: attempt }, stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    child.once('error', reject);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (!said.startsWith('started\n')) return;
      child.stdout.destroy();
      child.unref();
      resolve({ kind: 'started', child });
    });
    child.once('close', (code) => {
      // After `started` this is a no-op. A monitor that was killed before its word arrived may have started all the same.
      if (code === MONITOR_EXIT.lockHeld) resolve({ kind: 'lock-held' });
      else if (code === MONITOR_EXIT.alreadyStarted) resolve({ kind: 'already-started' });
      else resolve({ kind: 'failed', certain: code !== null && !PASSING_TROUBLE.test(said), message: `The job's monitor could not start (code ${code}): ${said.slice(0, 1000)}` });
    });
  });
}

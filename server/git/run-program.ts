import { spawn } from 'node:child_process';

export interface ProgramAnswer {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why we ended it; null when it ended by itself. */
  readonly cut: 'silent' | 'too-long' | 'too-much' | 'closed' | null;
}

export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly input?: string | undefined;
  /** Of the whole call. */
  readonly limitMs: number;
  /** It is ended when it says nothing for so long; left out where it may be quiet. */
  readonly silenceLimitMs?: number | undefined;
  /** After this in stderr it may be quiet. */
  readonly mayBeQuietAfter?: RegExp;
  readonly stdoutLimitBytes: number;
}

/** Progress and complaints: the end of them is what counts. */
const STDERR_KEPT = 64 * 1024;

/**
 * Runs programs without a shell, each in a process group of its own that is ended as a whole: what git starts to speak
 * with a server (`git-remote-https`, `ssh`) would otherwise outlive it, waiting for an answer that never comes.
 */
export interface RunProgram {
  /** @throws the system's error when it cannot be started */
  run(call: ProgramCall): Promise<ProgramAnswer>;
  /** Ends all that run. What is asked afterwards is ended at once. */
  close(): void;
}

export function makeRunProgram(): RunProgram {
  const running = new Set<() => void>();
  const state = { closed: false };

  const run = (call: ProgramCall): Promise<ProgramAnswer> =>
    new Promise((resolve, reject) => {
      const child = spawn(call.program, [...call.args], { env: call.environment, cwd: call.cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
      const held: { cut: ProgramAnswer['cut']; stderr: string; bytes: number; quiet: boolean } = { cut: null, stderr: '', bytes: 0, quiet: false };
      const stdout: Buffer[] = [];
      const end = (why: NonNullable<ProgramAnswer['cut']>): void => {
        if (child.pid === undefined || held.cut !== null) return;
        held.cut = why;
        killGroup(child.pid);
      };
      const close = (): void => end('closed');
      const limit = setTimeout(() => end('too-long'), call.limitMs);
      const silence = call.silenceLimitMs === undefined ? null : setTimeout(() => held.quiet || end('silent'), call.silenceLimitMs);
      const settle = (): void => {
        clearTimeout(limit);
        if (silence !== null) clearTimeout(silence);
        running.delete(close);
      };
      running.add(close);
      child.stdout.on('data', (chunk: Buffer) => {
        silence?.refresh();
        held.bytes += chunk.length;
        if (held.bytes > call.stdoutLimitBytes) return end('too-much');
        stdout.push(chunk);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        silence?.refresh();
        held.stderr = (held.stderr + chunk.toString('utf8')).slice(-STDERR_KEPT);
        if (call.mayBeQuietAfter?.test(held.stderr) === true) held.quiet = true;
      });
      child.on('error', (error) => {
        settle();
        reject(error);
      });
      child.on('close', (code) => {
        settle();
        // Whoever closed its output and lives on, against our will, is of the group still.
        if (held.cut !== null && child.pid !== undefined) killGroup(child.pid);
        resolve({ code, stdout: Buffer.concat(stdout).toString('utf8'), stderr: held.stderr, cut: held.cut });
      });
      // It may end without reading its input: only its exit code counts.
      child.stdin.on('error', () => {});
      child.stdin.end(call.input ?? '');
      if (state.closed) close();
    });

  return {
    run,
    close() {
      state.closed = true;
      for (const end of running) end();
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

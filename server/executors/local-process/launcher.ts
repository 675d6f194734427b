import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { AttemptId } from '@sodate/contract/ids.ts';
import type { Clock } from '#kit/clock.ts';
import { EngineUnreachable } from '../executor.ts';
import type { Programs } from './programs.ts';
import { TOOL_ENVIRONMENT } from './scripts.ts';

export interface MonitorOrder {
  readonly attempt: AttemptId;
  readonly logFile: string;
  /** See MONITOR. */
  readonly limits: readonly string[];
  /** The sandbox, SHIM and the job's command. */
  readonly command: readonly string[];
}

/** A life: the small shell that starts monitors. Begun at the first order, and again when it has died. */
export interface Launcher {
  /** Settles when the attempt has been taken, by this order or by another one. Safe to repeat. */
  launch(order: MonitorOrder, hasStarted: () => boolean): Promise<void>;
  close(): void;
}

/** Without a word for so long (another monitor held the lock and died, the shell died), the order is given again. */
const REPEAT_MS = 1000;
/** A word may be lost with the shell, the file that it is about is not: how often it is looked for. */
const LOOK_MS = 25;
const PATIENCE_MS = 30_000;
const LAST_WORDS_CHARACTERS = 1000;

type Verdict = 'started' | 'failed';

export interface LauncherParts {
  readonly programs: Programs;
  readonly clock: Clock;
  /** Where the folders of attempts are. */
  readonly home: string;
  /** The cgroups above those of attempts. */
  readonly cgroups: readonly string[];
  readonly onEnded: (attempt: AttemptId) => void;
}

export function makeLauncher({ programs, clock, home, cgroups, onEnded }: LauncherParts): Launcher {
  let shell: ChildProcessByStdio<Writable, Readable, Readable> | null = null;
  let lastWords = '';
  const waiting = new Map<AttemptId, (verdict: Verdict) => void>();

  const hear = (line: string): void => {
    const [name, word] = line.split(' ');
    const { data: attempt } = AttemptId.safeParse(name);
    if (attempt === undefined) return;
    if (word === 'ended') onEnded(attempt);
    else waiting.get(attempt)?.(word === 'failed' ? 'failed' : 'started');
  };

  const open = (): ChildProcessByStdio<Writable, Readable, Readable> => {
    const opened = spawn('sh', [programs.launcher, home, programs.monitor, cgroups.join(' ')], {
      detached: true,
      cwd: '/',
      env: TOOL_ENVIRONMENT,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let rest = '';
    opened.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) hear(line);
    });
    opened.stderr.setEncoding('utf8').on('data', (text: string) => void (lastWords = (lastWords + text).slice(-LAST_WORDS_CHARACTERS)));
    const forget = (): void => {
      if (shell === opened) shell = null;
    };
    opened.once('error', (error) => {
      lastWords = error.message;
      forget();
    });
    opened.once('exit', forget);
    opened.stdin.on('error', forget);
    // It must not keep the server from ending; jobs go on without either.
    opened.unref();
    for (const stream of [opened.stdin, opened.stdout, opened.stderr]) (stream as unknown as { unref?: () => void }).unref?.();
    return opened;
  };

  const send = ({ attempt, logFile, limits, command }: MonitorOrder): void => {
    shell ??= open();
    const words = [logFile, limits.join(' '), ...command];
    shell.stdin.write(`${attempt}\n${words.length}\n${words.map((word) => `${word.split('\n').length}\n${word}\n`).join('')}`);
  };

  return {
    async launch(order, hasStarted) {
      const deadlineMs = clock.now().getTime() + PATIENCE_MS;
      const settled = new AbortController();
      const heard = new Promise<Verdict>((resolve) => waiting.set(order.attempt, resolve)).finally(() => settled.abort('heard'));
      try {
        for (;;) {
          send(order);
          const repeatAtMs = clock.now().getTime() + REPEAT_MS;
          while (clock.now().getTime() < repeatAtMs) {
            const verdict = await Promise.race([heard, clock.sleep(LOOK_MS, settled.signal).then(() => null)]);
            if (verdict === 'started' || hasStarted()) return;
            if (verdict === 'failed') throw new EngineUnreachable(`The monitor of ${order.attempt} could not start: ${lastWords.trim()}`);
          }
          if (clock.now().getTime() > deadlineMs) throw new EngineUnreachable(`The monitor of ${order.attempt} does not start: ${lastWords.trim()}`);
        }
      } finally {
        waiting.delete(order.attempt);
        // With a reason of ours: Node's own is an error with a stack, which costs more than all else here.
        settled.abort('settled');
      }
    },
    close() {
      shell?.stdin.end();
      shell?.stdout.destroy();
      shell?.stderr.destroy();
      shell = null;
    },
  };
}

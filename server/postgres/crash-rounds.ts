import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A `crash-owner.ts` in a process of its own, and what it has printed. */
export interface Owner {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  readonly complaints: () => string;
  /** Resolves with the first line from `from` on that matches, and rejects when the owner ends without one. */
  line(pattern: RegExp, from?: number): Promise<string>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export function startOwner(folder: string, options: { readonly mode?: 'hold'; readonly uid?: number; readonly cwd?: string } = {}): Owner {
  const script = fileURLToPath(new URL('crash-owner.ts', import.meta.url));
  const { uid } = options;
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, folder, ...(options.mode === undefined ? [] : [options.mode])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const lines: string[] = [];
  let complaints = '';
  child.stderr?.on('data', (bytes: Buffer) => (complaints += bytes.toString()));
  const reader = createInterface({ input: child.stdout! });
  let wake = () => undefined as void;
  let fresh = new Promise<void>((resolve) => (wake = resolve));
  reader.on('line', (line) => {
    lines.push(line);
    wake();
    fresh = new Promise((resolve) => (wake = resolve));
  });
  const more = () => fresh;
  const ended = once(child, 'close');
  return {
    child,
    lines,
    complaints: () => complaints,
    line: async (pattern, from = 0) => {
      for (let next = from; ; next += 1) {
        while (next >= lines.length) {
          if ((await Promise.race([more(), ended])) === undefined) continue;
          if (next >= lines.length) throw new Error(`the owner ended without ${pattern}:\n${complaints}`);
        }
        const line = lines[next];
        if (line !== undefined && pattern.test(line)) return line;
      }
    },
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

export const lastAcknowledged = (owner: Owner): number =>
  Math.max(0, ...owner.lines.filter((line) => line.startsWith('ack ')).map((line) => Number(line.slice(4))));

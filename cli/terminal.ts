import { createInterface } from 'node:readline/promises';
import { addAbortSignal, Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';

/** What the CLI reads from and writes to. Tests give one in memory. */
export interface Terminal {
  /** Resolves when more may be written, so that a slow reader slows us down instead of filling memory. */
  out(content: string | Uint8Array): Promise<void>;
  err(text: string): void;
  /** A person looks at stderr: progress may be drawn. */
  readonly interactive: boolean;
  /** Asks a person without showing what is typed; null when there is nobody to ask. */
  askSecret(question: string, signal: AbortSignal): Promise<string | null>;
  readInput(signal: AbortSignal): Promise<string>;
}

export function processTerminal(): Terminal {
  return {
    out: (content) =>
      new Promise((resolve) => {
        if (process.stdout.write(content)) resolve();
        else process.stdout.once('drain', resolve);
      }),
    err: (text) => void process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
    async askSecret(question, signal) {
      if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return null;
      process.stderr.write(question);
      const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
      const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
      try {
        // In this mode Ctrl-C is a key like others; without this it would only stop the reading.
        reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
        return await reader.question('', { signal });
      } finally {
        reader.close();
        process.stderr.write('\n');
      }
    },
    readInput: (signal) => readAll(addAbortSignal(signal, process.stdin)),
  };
}

/** For tests: the CLI in this process, with a terminal in memory and a configuration folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../config-file.ts';
import { runCli } from '../run-cli.ts';

interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface TestCli extends AsyncDisposable {
  readonly folder: string;
  run(
    args: readonly string[],
    given?: { readonly environment?: Environment; readonly input?: string; readonly signal?: AbortSignal; readonly onOut?: () => void },
  ): Promise<Outcome>;
}

export async function testCli(environment: Environment): Promise<TestCli> {
  const folder = await mkdtemp(join(tmpdir(), 'sodate-cli-'));
  return {
    folder,
    async run(args, given = {}) {
      const out: Buffer[] = [];
      let err = '';
      const exitCode = await runCli(args, {
        terminal: {
          out: (content) => {
            out.push(Buffer.from(content));
            given.onOut?.();
            return Promise.resolve();
          },
          err: (text) => void (err += text),
          interactive: false,
          askSecret: () => Promise.resolve(null),
          readInput: () => Promise.resolve(given.input ?? ''),
        },
        environment: { XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: join(folder, 'cache'), ...environment, ...given.environment },
        signal: given.signal ?? new AbortController().signal,
        now: () => Date.parse('2026-01-01T01:00:00Z'),
      });
      return { exitCode, out: Buffer.concat(out).toString(), err };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

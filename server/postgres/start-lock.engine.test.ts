import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withStartLock } from './start-lock.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sodate-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Adds to a number in a file `times` times, without care; at `dies` it kills itself inside the lock. */
const COUNTER = (module: string, times: number, dies: number) => `
  import { readFileSync, writeFileSync } from 'node:fs';
  import { setTimeout as pause } from 'node:timers/promises';
  const { withStartLock } = await import(${JSON.stringify(module)});
  for (let n = 0; n < ${times}; n += 1) await withStartLock(process.argv[1], 60_000, async () => {
    const file = process.argv[1] + '/count';
    const count = Number(readFileSync(file, 'utf8'));
    await pause(1);
    writeFileSync(file, String(count + 1));
    if (n === ${dies}) process.kill(process.pid, 'SIGKILL');
  });`;

test('five processes, two of which die while they hold it: never two at once, and nobody waits for the dead', async () => {
  await writeFile(join(folder, 'count'), '0');
  const module = new URL('start-lock.ts', import.meta.url).href;
  const ends = [-1, -1, -1, 3, 7].map(async (dies) => {
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', COUNTER(module, 20, dies), folder], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    return (await once(child, 'close')) as [number | null, string | null];
  });
  expect((await Promise.all(ends)).map(([code, signal]) => signal ?? code)).toEqual([0, 0, 0, 'SIGKILL', 'SIGKILL']);
  expect(Number(await readFile(join(folder, 'count'), 'utf8'))).toBe(3 * 20 + 4 + 8);
  await withStartLock(folder, 1_000, async () => undefined);
  expect((await readdir(join(folder, 'start-lock'))).length).toBe(1);
});

test('within one process too, and a failing action releases it', async () => {
  let inside = 0;
  const enter = () =>
    withStartLock(folder, 10_000, async () => {
      inside += 1;
      await Promise.resolve();
      expect(inside).toBe(1);
      inside -= 1;
      throw new Error('failed');
    });
  const outcomes = await Promise.allSettled([enter(), enter(), enter()]);
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as Error).message)).toEqual(['failed', 'failed', 'failed']);
});

test('says who holds it when the time is over', async () => {
  await withStartLock(folder, 1_000, async () => {
    await expect(withStartLock(folder, 30, async () => undefined)).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringContaining(`Process ${process.pid}`),
    });
  });
});

import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { AttemptId } from '@sodate/contract/ids.ts';
import { systemClock } from '#kit/clock.ts';
import type { Observation } from '../executor.ts';
import { MARKER_NAME } from './job-environment.ts';
import { makeLocalProcessHarness } from './local-process-harness.ts';
import { processesWithEnvironment, signalProcess } from './process-table.ts';

const ATTEMPTS = 60;
const STARTER_DEATHS = 8;
const LONGEST_STARTER_LIFE_MS = 700;
const starterFile = join(import.meta.dirname, 'chaos-starter.ts');

/** Small and repeatable: the seed is in the test's name. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const harness = await makeLocalProcessHarness({ isolation: 'auto' });
afterAll(() => harness.close());
const seed = systemClock.now().getTime() % 100_000;

it(`keeps its promises while starters, monitors and jobs are killed at random (seed ${seed})`, { timeout: 300_000 }, async () => {
  const random = makeRandom(seed);
  const executor = await harness.open();
  const codes = new Map<AttemptId, number>();
  const specs = Array.from({ length: ATTEMPTS }, (_, i) => {
    const spec = harness.spec({
      command: { kind: 'script', text: 'echo ran >>"$OUT/ran"; echo first; setsid -f sleep 0.5; sleep 0.$WAIT; echo last; exit $CODE' },
      environment: { CODE: String(i % 5), WAIT: String(i % 7) },
    });
    codes.set(spec.attempt, i % 5);
    return spec;
  });
  const specsFile = join(harness.folder, 'specs.json');
  await writeFile(specsFile, JSON.stringify(specs));

  const victims = new Set<AttemptId>();
  let over = false;
  const killer = (async () => {
    while (!over) {
      const spec = specs[Math.floor(random() * specs.length)];
      if (!spec) continue;
      // Any process of the attempt: the monitor, the sandbox, the first process inside, the job.
      const found = await processesWithEnvironment(`${MARKER_NAME}=${spec.attempt}`);
      const pid = found[Math.floor(random() * found.length)];
      if (pid !== undefined && random() < 0.5) {
        victims.add(spec.attempt);
        signalProcess(pid, 'SIGKILL');
      }
      await systemClock.sleep(20);
    }
  })();

  const runStarter = async (lifeMs: number | null): Promise<boolean> => {
    const starter = spawn(process.execPath, ['--import', 'tsx', starterFile, harness.folder, harness.platform, specsFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    starter.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    starter.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (text.includes('open\n') && lifeMs !== null) setTimeout(() => starter.kill('SIGKILL'), lifeMs);
    });
    const code = await new Promise((resolve) => starter.once('close', resolve));
    if (lifeMs === null && code !== 0) throw new Error(`The last starter failed (${code}): ${said}`);
    return said.includes('all started');
  };
  for (let deaths = 0; deaths < STARTER_DEATHS; deaths += 1) await runStarter(random() * LONGEST_STARTER_LIFE_MS);
  // A start whose monitor was killed before its first word asks to be called again, as a server does.
  for (let tries = 0; ; tries += 1) {
    const done = await runStarter(null).catch((error: unknown) => {
      if (tries > 20) throw error;
      return false;
    });
    if (done) break;
  }
  over = true;
  await killer;

  const ends = new Map<AttemptId, Observation>();
  for (const { attempt } of specs) {
    for (;;) {
      const seen = await executor.observe({ attempt });
      ends.set(attempt, seen);
      if (seen.state === 'exited' || seen.state === 'gone') break;
      await systemClock.sleep(20);
    }
  }
  expect(victims.size).toBeGreaterThan(0);
  for (const [attempt, end] of ends) {
    const times = await harness.timesRun(attempt);
    const log = (await harness.log(attempt)).toString();
    const what = `${attempt} ${victims.has(attempt) ? 'victim' : 'untouched'} ${JSON.stringify(end)}`;
    expect(times, what).toBeLessThanOrEqual(1);
    if (!victims.has(attempt)) {
      expect(end, what).toMatchObject({ state: 'exited', exit: { code: codes.get(attempt), failure: null } });
      expect(times, what).toBe(1);
      expect(log, what).toBe('first\nlast\n');
    }
    // No false exit: a code of the job's own means that the job came to its end.
    if (end.state === 'exited' && end.exit.code === codes.get(attempt)) expect(log, what).toMatch(/^first\n(.*\n)*last\n$/);
  }

  for (const { attempt } of specs) await executor.remove({ attempt });
  expect(await executor.list()).toEqual([]);
  for (const { attempt } of specs) {
    for (let tries = 0; (await harness.traces(attempt)).length > 0 && tries < 300; tries += 1) await systemClock.sleep(10);
    expect(await harness.traces(attempt)).toEqual([]);
  }
});

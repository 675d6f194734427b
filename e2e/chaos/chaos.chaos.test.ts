import { afterEach, expect, it } from 'vitest';
import { findTraces } from '../home-traces.ts';
import { runChaos, seedOfTest } from './run-chaos.ts';

const RUNS = 300;
const STRIKES = 32;
/** From when a start serves, and far beyond what it takes: how long that is on a loaded machine is for the benchmarks. */
const ADOPTION_PROMISE_MS = 60_000;

const seed = seedOfTest();

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it(`${RUNS} runs end once each while server and database are killed (SODATE_CHAOS_SEED=${seed})`, { timeout: 1_800_000 }, async () => {
  const { home, installation, counts, faults, exitCode } = await runChaos({ seed, runs: RUNS, strikes: STRIKES, cleanUps });
  expect(faults).toEqual([]);
  expect(counts.strikes).toBeGreaterThanOrEqual(30);
  expect(counts.adoptions).toBeGreaterThan(0);
  expect(counts.longestAdoptionMs).toBeLessThan(ADOPTION_PROMISE_MS);
  expect(exitCode).toBe(0);
  expect(await findTraces(home, installation)).toEqual([]);
});

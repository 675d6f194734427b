import { openDatabase, type OpenDatabase } from '#kit/db/open-database.ts';
import { silentLog } from '#kit/log.ts';
import { cloneTestDatabase } from '#kit/db/test-database.ts';
import { FAILED_SEEDS } from '#runs/simulation/failed-seeds.ts';
import { simulateEngine } from '#runs/simulation/simulate-engine.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Lives that are simulated, after those that have failed once. Together they take less than 5 minutes on one core. */
const SEEDS = 500;
/** To look at one life, put its seed here; its whole trace is printed. */
const ONLY_SEED: number | null = null;
const TRACE_LINES = 400;

describe('the run engine', () => {
  const held: { database?: OpenDatabase } = {};
  beforeAll(async () => {
    const { pool, close, address } = await cloneTestDatabase(1);
    // Nothing moves while a simulated server waits for a lock, so it gets an error instead.
    for (const setting of ["lock_timeout = '25ms'", 'synchronous_commit = off']) await pool.query(`alter database ${address.database} set ${setting}`);
    await close();
    held.database = openDatabase(address, silentLog, 24);
  });
  afterAll(() => held.database?.close());

  const live = async (seed: number): Promise<{ runs: number; attempts: number }> => {
    if (!held.database) throw new Error('no database');
    const { broken, trace, runs, attempts } = await simulateEngine(held.database, seed);
    if (ONLY_SEED !== null) console.log(trace.join('\n'));
    if (broken.length > 0) expect.fail(`seed ${seed}: ${broken.join('\n  ')}\n\n${trace.slice(-TRACE_LINES).join('\n')}`);
    return { runs, attempts };
  };

  it(`keeps its promises in ${SEEDS} simulated lives with crashes at any await`, { timeout: 1_800_000 }, async () => {
    const seeds = ONLY_SEED === null ? [...FAILED_SEEDS.engine, ...Array.from({ length: SEEDS }, (_, seed) => seed)] : [ONLY_SEED];
    const sum = { runs: 0, attempts: 0 };
    for (const seed of seeds) {
      const { runs, attempts } = await live(seed);
      sum.runs += runs;
      sum.attempts += attempts;
    }
    if (ONLY_SEED === null) expect(sum.attempts).toBeGreaterThan(seeds.length * 5);
  });
});

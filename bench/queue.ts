import { type Bench, scaled } from './bench.ts';
import { atMost, explain, type Figure, quantile, rounded } from './figure.ts';
import { openQueue, type Queue } from './seeded-queue.ts';
import { startThrowawayPostgres } from '../server/postgres/throwaway-postgres.ts';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LONG = 100_000;
const SHORT = 1_000;
const PASSES = 40;
/** Groups of alike requests that wait: a few teams, and as many as a pass looks at. */
const GROUP_COUNTS = [10, 50, 1_000];
const GROWTH_LIMIT = 2;
const MEMORY_GROWTH_LIMIT = 1.1;

/** A scheduling pass over a long queue beside one over a short queue, with the machine full and with places coming free. */
export const queueBench: Bench = {
  name: 'queue',
  about: 'a scheduling pass with 100,000 waiting',
  async measure(context) {
    const postgres = await startThrowawayPostgres();
    try {
      const long = scaled(context, LONG, 10_000);
      const figures: Figure[] = [];
      for (const groups of GROUP_COUNTS) {
        const few = await passes(await openQueue(postgres.connection, SHORT, groups));
        const many = await passes(await openQueue(postgres.connection, long, groups));
        const what = `${long} waiting in ${groups} groups beside ${SHORT}`;
        figures.push(
          atMost(`${what}: a pass that places nothing`, many.full / few.full, GROWTH_LIMIT, '×'),
          atMost(`${what}: a pass that places 16`, many.placing / few.placing, GROWTH_LIMIT, '×'),
          explain('  in ms: nothing placed, 16 placed', `${rounded(many.full)} to ${rounded(few.full)}, ${rounded(many.placing)} to ${rounded(few.placing)}`),
          atMost('  memory after collection', many.heap / few.heap, MEMORY_GROWTH_LIMIT, '×'),
        );
      }
      return figures;
    } finally {
      await postgres.stop();
    }
  },
};

async function passes(queue: Queue): Promise<{ readonly full: number; readonly placing: number; readonly heap: number }> {
  try {
    await queue.fill();
    const full = await time(queue, async () => {});
    const placing = await time(queue, () => queue.freePlaces());
    return { full, placing, heap: heapAfterCollection() };
  } finally {
    await queue.close();
  }
}

/** The lower quartile: whatever else runs on the machine only adds. */
async function time(queue: Queue, before: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < PASSES; at += 1) {
    await before();
    const began = performance.now();
    await queue.pass();
    times.push(performance.now() - began);
  }
  return quantile(times.slice(5), 0.25);
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

import { type Bench, scaled } from './bench.ts';
import { atMost, explain, type Figure, quantile, rounded } from './figure.ts';
import { openQueue, type Queue } from './seeded-queue.ts';
import { startThrowawayPostgres } from '../server/postgres/throwaway-postgres.ts';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LONG = 100_000;
const SHORT = 1_000;
const PASSES = 40;
const WARM_UP = 10;
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
        const few = await openQueue(postgres.connection, SHORT, groups);
        const heapWithFew = await heapAfterPasses(few);
        const many = await openQueue(postgres.connection, long, groups);
        const heapWithMany = await heapAfterPasses(many);
        const [fullFew, fullMany] = await inTurns([few, many], async () => {});
        const [placingFew, placingMany] = await inTurns([few, many], (queue) => queue.freePlaces());
        await Promise.all([few.close(), many.close()]);
        const what = `${long} waiting in ${groups} groups beside ${SHORT}`;
        figures.push(
          atMost(`${what}: a pass that places nothing`, fullMany / fullFew, GROWTH_LIMIT, '×'),
          atMost(`${what}: a pass that places 16`, placingMany / placingFew, GROWTH_LIMIT, '×'),
          explain('  in ms: nothing placed, 16 placed', `${rounded(fullMany)} to ${rounded(fullFew)}, ${rounded(placingMany)} to ${rounded(placingFew)}`),
          atMost('  memory after collection', heapWithMany / heapWithFew, MEMORY_GROWTH_LIMIT, '×'),
        );
      }
      return figures;
    } finally {
      await postgres.stop();
    }
  },
};

async function heapAfterPasses(queue: Queue): Promise<number> {
  await queue.fill();
  for (let at = 0; at < WARM_UP; at += 1) await queue.pass();
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** The lower quartile of each, since whatever else runs on the machine only adds; in turns, since it comes and goes. */
async function inTurns(queues: readonly [Queue, Queue], before: (queue: Queue) => Promise<void>): Promise<readonly [number, number]> {
  const times: readonly [number[], number[]] = [[], []];
  for (let at = 0; at < PASSES; at += 1) {
    for (const nth of [0, 1] as const) {
      await before(queues[nth]);
      const began = performance.now();
      await queues[nth].pass();
      times[nth].push(performance.now() - began);
    }
  }
  return [quantile(times[0], 0.25), quantile(times[1], 0.25)];
}

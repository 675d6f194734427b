import { type Amount, placeRuns, type PlacementNode, type QueueHead } from '#runs/place-runs.ts';
import { inTurn } from '#runs/simulation/check-placement.ts';
import { byGroup } from '#runs/simulation/placement-cases.ts';
import { makeRandom } from '#runs/simulation/random.ts';

const TICK_MS = 1000;
const RESERVE_AFTER_MS = 20_000;
const LONGEST_RUN_MS = 15_000;
const HEADS_PER_GROUP = 8;
/**
 * What a head may wait once it is overdue: some generations of runs, since the node that is kept for it may change when
 * another has less to wait for, and others of its tenant may be before it.
 */
const WAIT_LIMIT_MS = RESERVE_AFTER_MS + 12 * LONGEST_RUN_MS;
const TICKS = 400;

interface Live {
  readonly head: QueueHead;
  readonly node: string;
  readonly gpus: readonly string[];
  readonly endsAt: number;
}

const amounts = (live: readonly Live[]): Amount =>
  live.reduce(
    (sum, { head: { ask } }) => ({ cpuMilli: sum.cpuMilli + ask.cpuMilli, memoryBytes: sum.memoryBytes + ask.memoryBytes, gpus: sum.gpus + ask.gpus }),
    { cpuMilli: 0, memoryBytes: 0, gpus: 0 },
  );

/**
 * A queue over virtual time: a flood of small runs that never lets the nodes get empty, and now and then a large one that
 * needs most of a node, or of its tenant's quota. Says which heads had waited longer than anybody should.
 */
export function simulateQueue(seed: number): { readonly starved: readonly string[]; readonly scenario: string } {
  const random = makeRandom(seed);
  const count = random.between(1, 3);
  const nodes = Array.from({ length: count }, (_, index) => ({ id: `node-${index}`, cpuMilli: random.between(4, 8) * 1000, gpus: random.chance(0.5) ? 4 : 0 }));
  const tenants = Array.from({ length: random.between(1, 3) }, (_, index) => ({
    id: `tenant-${index}`,
    quota: random.chance(0.4) ? random.between(5, 8) * 1000 : null,
  }));
  const floods = tenants.filter((_, index) => index === 0 || random.chance(0.6));
  const largest = Math.max(...nodes.map(({ cpuMilli }) => cpuMilli));
  const live: Live[] = [];
  const queue: QueueHead[] = [];
  const starved: string[] = [];
  let submitted = 0;
  const submit = (tenant: string, name: string, ask: Amount, now: number): void => {
    submitted += 1;
    const shape = `${ask.cpuMilli} ${ask.gpus}`;
    queue.push({
      run: `${name}-${String(submitted).padStart(5, '0')}`,
      tenant,
      partition: null,
      shape,
      image: 'one',
      priority: 0,
      queuedAt: new Date(now),
      ask,
    });
  };
  for (let tick = 0; tick < TICKS; tick += 1) {
    const now = 1_000_000 + tick * TICK_MS;
    for (const done of live.filter(({ endsAt }) => endsAt <= now)) live.splice(live.indexOf(done), 1);
    // A little more small work than there is room for, of two shapes, kept short so that only unfairness can starve anyone.
    for (const { id } of floods) {
      const waiting = queue.filter((head) => head.tenant === id && head.run.startsWith('small')).length;
      for (let more = waiting; more < 4; more += 1) submit(id, 'small', { cpuMilli: random.pick([500, 1000]), memoryBytes: 1, gpus: 0 }, now);
    }
    if (tick % 100 === 10) {
      const tenant = random.pick(tenants) ?? tenants[0];
      const cpuMilli = Math.min(largest, tenant?.quota ?? largest);
      if (tenant) submit(tenant.id, 'large', { cpuMilli, memoryBytes: 1, gpus: 0 }, now);
    }
    for (let pass = 0; pass < 20; pass += 1) {
      const perGroup = [...byGroup(queue).values()].flatMap((group) => group.toSorted(inTurn).slice(0, HEADS_PER_GROUP));
      const { placements } = placeRuns({
        now: new Date(now),
        reserveAfterMs: RESERVE_AFTER_MS,
        heads: perGroup,
        nodes: nodes.map((node): PlacementNode => {
          const here = live.filter((entry) => entry.node === node.id);
          const taken = here.flatMap(({ gpus }) => gpus);
          const all = Array.from({ length: node.gpus }, (_, gpu) => `gpu-${gpu}`);
          const capacity = { cpuMilli: node.cpuMilli, memoryBytes: 1e6, gpus: node.gpus };
          return {
            id: node.id,
            partition: null,
            open: true,
            executors: [{ id: 'first', images: 'any' }],
            capacity,
            used: amounts(here),
            freeGpus: all.filter((gpu) => !taken.includes(gpu)),
          };
        }),
        tenants: new Map(
          tenants.map(({ id, quota }) => [
            id,
            { quota: { cpuMilli: quota, memoryBytes: null, gpus: null }, executors: null, used: amounts(live.filter(({ head }) => head.tenant === id)) },
          ]),
        ),
      });
      for (const { run, node, gpus } of placements) {
        const index = queue.findIndex((head) => head.run === run);
        const [head] = queue.splice(index, 1);
        if (head) live.push({ head, node, gpus, endsAt: now + random.between(1, LONGEST_RUN_MS / TICK_MS) * TICK_MS });
      }
      if (placements.length === 0) break;
    }
    for (const head of queue) {
      const waited = now - head.queuedAt.getTime();
      if (waited > WAIT_LIMIT_MS && !starved.some((text) => text.startsWith(head.run)))
        starved.push(`${head.run} of ${head.tenant} (${head.ask.cpuMilli}) has waited ${waited} ms`);
    }
  }
  return { starved, scenario: JSON.stringify({ nodes, tenants, floods: floods.map(({ id }) => id) }) };
}

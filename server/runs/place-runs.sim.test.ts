import { type Placement, placeRuns, type PlacementInput, type QueueHead } from '#runs/place-runs.ts';
import { brokenPromises } from '#runs/simulation/check-placement.ts';
import { FAILED_SEEDS } from '#runs/simulation/failed-seeds.ts';
import { randomPlacement } from '#runs/simulation/placement-cases.ts';
import { simulateQueue } from '#runs/simulation/simulate-queue.ts';
import { makeRandom } from '#runs/simulation/random.ts';
import { describe, expect, it } from 'vitest';

/** One pass each. 100,000 take about 15 s on one core. */
const PASSES = 100_000;
/** Queues over virtual time, each of some hundred passes. */
const QUEUES = 400;
/** A shuffled input must have the same answer; asked of every so manieth seed. */
const SHUFFLE_EVERY = 10;

const seeds = (count: number, failed: readonly number[]): readonly number[] => [...failed, ...Array.from({ length: count }, (_, seed) => seed)];

const show = (input: PlacementInput): string => JSON.stringify({ ...input, tenants: Object.fromEntries(input.tenants) }, null, 1);

describe('placeRuns', () => {
  it(`keeps every promise of one pass, for ${PASSES} seeds`, () => {
    for (const seed of seeds(PASSES, FAILED_SEEDS.placement)) {
      const random = makeRandom(seed);
      const input = randomPlacement(random);
      const before = seed % SHUFFLE_EVERY === 0 ? show(input) : '';
      const result = placeRuns(input);
      const broken = brokenPromises(input, result);
      if (broken.length > 0) expect.fail(`seed ${seed}: ${broken.join('; ')}\n${show(input)}\n${JSON.stringify(result, null, 1)}`);
      if (seed % SHUFFLE_EVERY !== 0) continue;
      expect(show(input), `seed ${seed}: the input was changed`).toBe(before);
      const shuffled = {
        ...input,
        heads: random.shuffle(input.heads),
        nodes: random.shuffle(input.nodes),
        tenants: new Map(random.shuffle([...input.tenants])),
      };
      expect(sorted(placeRuns(shuffled).placements), `seed ${seed}: the order of the input decides`).toEqual(sorted(result.placements));
    }
  });

  it(`starves nobody, for ${QUEUES} queues over virtual time`, () => {
    for (const seed of seeds(QUEUES, FAILED_SEEDS.placement)) {
      const outcome = simulateQueue(seed);
      expect(outcome.starved, `seed ${seed}: ${outcome.scenario}`).toEqual([]);
    }
  });

  it('gives tenants with endless queues equal shares, whatever the sizes of their runs', () => {
    const NODES = 4;
    const node = (id: number) => ({
      id: `node-${id}`,
      partition: null,
      open: true,
      executors: [{ id: 'first', images: 'any' as const }],
      capacity: { cpuMilli: 16_000, memoryBytes: 64e9, gpus: 0 },
    });
    const sizes = new Map([
      ['small', 500],
      ['middle', 1000],
      ['large', 4000],
    ]);
    const live: { tenant: string; node: string; cpuMilli: number; endsAt: number }[] = [];
    const held = new Map([...sizes.keys()].map((tenant) => [tenant, 0]));
    const random = makeRandom(7);
    let submitted = 0;
    // The queue of `small` is old, and that gives it no right to more.
    const queues = new Map(
      [...sizes].map(([tenant, cpuMilli], index) => [tenant, Array.from({ length: 100 }, () => head(tenant, cpuMilli, index * 3_600_000))]),
    );
    function head(tenant: string, cpuMilli: number, queuedMs: number): QueueHead {
      submitted += 1;
      return {
        run: `run-${String(submitted).padStart(6, '0')}`,
        tenant,
        partition: null,
        shape: `${cpuMilli}`,
        image: 'one',
        priority: 0,
        queuedAt: new Date(queuedMs),
        ask: { cpuMilli, memoryBytes: 1e9, gpus: 0 },
      };
    }
    for (let tick = 0; tick < 2000; tick += 1) {
      const now = 4 * 3_600_000 + tick * 1000;
      for (const done of live.filter(({ endsAt }) => endsAt <= now)) live.splice(live.indexOf(done), 1);
      for (const [tenant, cpuMilli] of sizes) while ((queues.get(tenant)?.length ?? 0) < 64) queues.get(tenant)?.push(head(tenant, cpuMilli, now));
      const use = (of: (entry: (typeof live)[number]) => boolean) =>
        live.filter(of).reduce((sum, { cpuMilli }) => ({ ...sum, cpuMilli: sum.cpuMilli + cpuMilli, memoryBytes: sum.memoryBytes + 1e9 }), {
          cpuMilli: 0,
          memoryBytes: 0,
          gpus: 0,
        });
      const { placements } = placeRuns({
        now: new Date(now),
        reserveAfterMs: 600_000,
        heads: [...queues.values()].flat(),
        nodes: Array.from({ length: NODES }, (_, id) => ({ ...node(id), used: use((entry) => entry.node === `node-${id}`), freeGpus: [] })),
        tenants: new Map(
          [...sizes.keys()].map((tenant) => [
            tenant,
            { quota: { cpuMilli: null, memoryBytes: null, gpus: null }, executors: null, used: use((entry) => entry.tenant === tenant) },
          ]),
        ),
      });
      for (const { run, node: on } of placements) {
        for (const [tenant, queue] of queues) {
          const index = queue.findIndex((entry) => entry.run === run);
          if (index < 0) continue;
          live.push({ tenant, node: on, cpuMilli: sizes.get(tenant) ?? 0, endsAt: now + random.between(20, 40) * 1000 });
          queue.splice(index, 1);
        }
      }
      if (tick >= 200) for (const tenant of held.keys()) held.set(tenant, (held.get(tenant) ?? 0) + use((entry) => entry.tenant === tenant).cpuMilli);
    }
    const all = [...held.values()].reduce((sum, share) => sum + share, 0);
    for (const [tenant, share] of held) expect(share / all, tenant).toBeGreaterThan(0.28);
    expect(all / (1800 * NODES * 16_000), 'used of what there is').toBeGreaterThan(0.85);
  });
});

const sorted = (placements: readonly Placement[]): readonly Placement[] => placements.toSorted((a, b) => (a.run < b.run ? -1 : 1));

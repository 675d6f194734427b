import type { Amount, PlacementInput, PlacementNode, QueueHead, TenantShare } from '#runs/place-runs.ts';
import type { Random } from '#runs/simulation/random.ts';

const GB = 1_000_000_000;
export const RESERVE_AFTER_MS = 600_000;
const NOW_MS = Date.UTC(2030, 0, 1);

const IMAGES = ['host', 'one', 'two'] as const;
const PARTITIONS = [null, null, 'fast', 'slow'] as const;

function randomNode(random: Random, index: number): PlacementNode {
  const gpus = random.chance(0.5) ? random.between(1, 4) : 0;
  const capacity = { cpuMilli: random.between(1, 8) * 1000, memoryBytes: random.between(1, 16) * GB, gpus };
  const usedGpus = random.chance(0.5) ? random.between(0, gpus) : 0;
  const freeGpus = random.shuffle(Array.from({ length: gpus }, (_, gpu) => `gpu-${index}-${gpu}`)).slice(usedGpus);
  const images = random.chance(0.3) ? ('any' as const) : IMAGES.filter(() => random.chance(0.6));
  return {
    id: `node-${index}`,
    partition: random.pick(PARTITIONS),
    open: random.chance(0.85),
    executors: random.chance(0.05) ? [] : [{ id: 'first', images }, ...(random.chance(0.3) ? [{ id: 'second', images: 'any' as const }] : [])],
    capacity,
    // Now and then more is used than there is: the node has shrunk.
    used: {
      cpuMilli: random.chance(0.5) ? random.int(capacity.cpuMilli + 2000) : 0,
      memoryBytes: random.chance(0.5) ? random.int(capacity.memoryBytes + GB) : 0,
      gpus: usedGpus,
    },
    freeGpus,
  };
}

function randomShare(random: Random): TenantShare {
  const limit = (most: number): number | null => (random.chance(0.6) ? null : random.between(0, most));
  const quota = { cpuMilli: limit(12_000), memoryBytes: limit(20 * GB), gpus: limit(4) };
  const used = { cpuMilli: random.int(4000), memoryBytes: random.int(4 * GB), gpus: random.int(2) };
  return { quota, used, executors: random.chance(0.8) ? null : [random.pick(['first', 'second', 'third']) ?? 'first'] };
}

const randomAsk = (random: Random): Amount => ({
  cpuMilli: random.pick([100, 500, 1000, 1000, 2000, 4000, 9000]),
  memoryBytes: random.pick([0.1, 0.5, 1, 2, 4, 17]) * GB,
  gpus: random.pick([0, 0, 0, 1, 1, 2, 4, 5]),
});

export const groupOf = (head: { readonly tenant: string; readonly partition: string | null; readonly shape: string }): string =>
  `${head.tenant} ${head.partition ?? ''} ${head.shape}`;

/** A whole input for one pass, small enough that every kind of conflict is frequent. */
export function randomPlacement(random: Random): PlacementInput {
  const nodes = Array.from({ length: random.between(0, 4) }, (_, index) => randomNode(random, index));
  const names = Array.from({ length: random.between(1, 3) }, (_, index) => `tenant-${index}`);
  const tenants = new Map(names.map((name) => [name, randomShare(random)]));
  const heads: QueueHead[] = [];
  const groups = random.between(1, 5);
  for (let group = 0; group < groups; group += 1) {
    const ask = randomAsk(random);
    const image = random.pick(IMAGES);
    const alike = {
      tenant: random.pick(names) ?? '',
      partition: random.pick(PARTITIONS),
      shape: `${ask.cpuMilli} ${ask.memoryBytes} ${ask.gpus} ${image}`,
      image,
      ask,
    };
    const count = random.between(1, 3);
    for (let nth = 0; nth < count; nth += 1) {
      const waitedMs = random.pick([0, 1000, 1000, 300_000, RESERVE_AFTER_MS, RESERVE_AFTER_MS + 1, 5_000_000]);
      heads.push({ ...alike, run: `run-${random.int(1e6)}-${heads.length}`, priority: random.pick([0, 0, 0, 5, -5]), queuedAt: new Date(NOW_MS - waitedMs) });
    }
  }
  return { now: new Date(NOW_MS), nodes, tenants, heads: random.shuffle(heads), reserveAfterMs: RESERVE_AFTER_MS };
}

export function byGroup<Item extends { readonly tenant: string; readonly partition: string | null; readonly shape: string }>(
  items: readonly Item[],
): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(groupOf(item), [...(groups.get(groupOf(item)) ?? []), item]);
  return groups;
}

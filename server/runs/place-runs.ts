import type { Waiting } from '@sodate/contract/runs.ts';

/**
 * Placement: a pure function of what there is, what waits at the heads of the queues, what each tenant may hold, and the
 * time. It never looks past the heads it is given, and does the same for the same input.
 *
 * Order: the tenant that holds the least goes next (its dominant share: the largest of its fractions of all CPU, memory
 * and GPUs); within a tenant by priority, then by age. Smaller runs may go past one that does not fit, but not for ever:
 * a head that has waited longer than `reserveAfterMs` gets a node to itself to become free, one such node a pass.
 */
export interface PlacementInput {
  readonly now: Date;
  readonly nodes: readonly PlacementNode[];
  readonly tenants: ReadonlyMap<string, TenantShare>;
  readonly heads: readonly QueueHead[];
  readonly reserveAfterMs: number;
}

export interface Amount {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly gpus: number;
}

export interface PlacementNode {
  readonly id: string;
  readonly partition: string | null;
  /** Enabled and healthy. */
  readonly open: boolean;
  readonly executors: readonly { readonly id: string; readonly images: readonly string[] | 'any' }[];
  readonly capacity: Amount;
  readonly used: Amount;
  readonly freeGpus: readonly string[];
}

export interface TenantShare {
  /** null = no limit. */
  readonly quota: { readonly cpuMilli: number | null; readonly memoryBytes: number | null; readonly gpus: number | null };
  readonly used: Amount;
}

export interface QueueHead {
  readonly run: string;
  readonly tenant: string;
  readonly partition: string | null;
  readonly shape: string;
  readonly image: string;
  readonly priority: number;
  readonly queuedAt: Date;
  readonly ask: Amount;
}

export interface Placement {
  readonly run: string;
  readonly node: string;
  readonly executor: string;
  readonly gpus: readonly string[];
}

/** Why the head of a queue was not placed. */
export interface Blocker {
  readonly tenant: string;
  readonly partition: string | null;
  readonly shape: string;
  readonly reason: Exclude<Waiting['reason'], 'turn'>;
  readonly limit: { readonly cpuMilli: number | null; readonly memoryBytes: number | null; readonly gpus: number | null } | null;
}

export interface PlacementResult {
  readonly placements: readonly Placement[];
  readonly blockers: readonly Blocker[];
}

interface OpenNode {
  readonly node: PlacementNode;
  free: { cpuMilli: number; memoryBytes: number; gpus: string[] };
}

export function placeRuns(input: PlacementInput): PlacementResult {
  const open: OpenNode[] = input.nodes
    .filter((node) => node.open)
    .map((node) => ({
      node,
      free: {
        cpuMilli: node.capacity.cpuMilli - node.used.cpuMilli,
        memoryBytes: node.capacity.memoryBytes - node.used.memoryBytes,
        gpus: [...node.freeGpus],
      },
    }));
  const total = sum(open.map(({ node }) => node.capacity));
  const used = new Map([...input.tenants].map(([tenant, share]) => [tenant, { ...share.used }]));
  const queues = queuesByTenant(input.heads);
  const blockers = new Map<string, Blocker>();
  const placements: Placement[] = [];
  const reserved = nodeToReserve(input, open);

  for (;;) {
    const tenant = leastServed(queues, used, total);
    if (tenant === null) return { placements, blockers: [...blockers.values()] };
    const head = queues.get(tenant)?.shift();
    if (head === undefined) {
      queues.delete(tenant);
      continue;
    }
    const group = `${head.tenant} ${head.partition ?? ''} ${head.shape}`;
    // What did not fit once in this pass does not fit later in it: only more gets used.
    if (blockers.has(group)) continue;
    const held = used.get(tenant) ?? { cpuMilli: 0, memoryBytes: 0, gpus: 0 };
    const quota = input.tenants.get(tenant)?.quota ?? null;
    const block = (reason: Blocker['reason'], limit: Blocker['limit']): void => {
      blockers.set(group, { tenant, partition: head.partition, shape: head.shape, reason, limit });
    };
    if (quota !== null && exceeds(held, head.ask, quota)) {
      block('quota', quota);
      continue;
    }
    const suitable = open.filter(({ node }) => node.partition === head.partition || head.partition === null).filter(({ node }) => executorFor(node, head.image) !== undefined);
    if (suitable.length === 0) {
      block('no-node', null);
      continue;
    }
    const large = suitable.filter(({ node }) => contains(node.capacity, head.ask));
    if (large.length === 0) {
      block('never-fits', largest(suitable));
      continue;
    }
    const free = large.filter((candidate) => fitsNow(candidate, head.ask) && (reserved === null || reserved.node !== candidate.node.id || reserved.run === head.run));
    const best = tightest(free, head.ask);
    if (best === null) {
      block('capacity', largest(large));
      continue;
    }
    const gpus = best.free.gpus.splice(0, head.ask.gpus);
    best.free.cpuMilli -= head.ask.cpuMilli;
    best.free.memoryBytes -= head.ask.memoryBytes;
    used.set(tenant, add(held, head.ask));
    placements.push({ run: head.run, node: best.node.id, executor: executorFor(best.node, head.image) ?? '', gpus });
  }
}

function queuesByTenant(heads: readonly QueueHead[]): Map<string, QueueHead[]> {
  const queues = new Map<string, QueueHead[]>();
  for (const head of heads.toSorted(byTurn)) {
    const queue = queues.get(head.tenant);
    if (queue) queue.push(head);
    else queues.set(head.tenant, [head]);
  }
  return queues;
}

const byTurn = (a: QueueHead, b: QueueHead): number =>
  b.priority - a.priority || a.queuedAt.getTime() - b.queuedAt.getTime() || (a.run < b.run ? -1 : 1);

/** The tenant with waiting heads that holds the smallest share; on a tie the one whose head is oldest. */
function leastServed(queues: ReadonlyMap<string, readonly QueueHead[]>, used: ReadonlyMap<string, Amount>, total: Amount): string | null {
  let best: { tenant: string; share: number; since: number } | null = null;
  for (const [tenant, queue] of queues) {
    const share = dominantShare(used.get(tenant), total);
    const since = queue[0]?.queuedAt.getTime() ?? Infinity;
    if (best === null || share < best.share || (share === best.share && since < best.since)) best = { tenant, share, since };
  }
  return best?.tenant ?? null;
}

const dominantShare = (held: Amount | undefined, total: Amount): number =>
  held === undefined
    ? 0
    : Math.max(held.cpuMilli / Math.max(1, total.cpuMilli), held.memoryBytes / Math.max(1, total.memoryBytes), held.gpus / Math.max(1, total.gpus));

/** The oldest head that has waited too long for capacity, and the node on which it is nearest to fitting. */
function nodeToReserve(input: PlacementInput, open: readonly OpenNode[]): { readonly node: string; readonly run: string } | null {
  const overdue = input.heads
    .filter((head) => input.now.getTime() - head.queuedAt.getTime() > input.reserveAfterMs)
    .toSorted((a, b) => a.queuedAt.getTime() - b.queuedAt.getTime() || (a.run < b.run ? -1 : 1));
  for (const head of overdue) {
    const share = input.tenants.get(head.tenant);
    if (share !== undefined && exceeds(share.used, head.ask, share.quota)) continue;
    const possible = open.filter(
      ({ node }) => (head.partition === null || node.partition === head.partition) && executorFor(node, head.image) !== undefined && contains(node.capacity, head.ask),
    );
    if (possible.length === 0 || possible.some((candidate) => fitsNow(candidate, head.ask))) continue;
    const nearest = possible.toSorted((a, b) => lack(a, head.ask) - lack(b, head.ask))[0];
    if (nearest) return { node: nearest.node.id, run: head.run };
  }
  return null;
}

const executorFor = (node: PlacementNode, image: string): string | undefined =>
  node.executors.find(({ images }) => images === 'any' || images.includes(image))?.id;

const contains = (capacity: Amount, ask: Amount): boolean =>
  ask.cpuMilli <= capacity.cpuMilli && ask.memoryBytes <= capacity.memoryBytes && ask.gpus <= capacity.gpus;

const fitsNow = ({ free }: OpenNode, ask: Amount): boolean =>
  ask.cpuMilli <= free.cpuMilli && ask.memoryBytes <= free.memoryBytes && ask.gpus <= free.gpus.length;

const exceeds = (held: Amount, ask: Amount, quota: TenantShare['quota']): boolean =>
  over(held.cpuMilli + ask.cpuMilli, quota.cpuMilli) || over(held.memoryBytes + ask.memoryBytes, quota.memoryBytes) || over(held.gpus + ask.gpus, quota.gpus);

const over = (amount: number, limit: number | null): boolean => limit !== null && amount > limit;

/** What is missing on a node, as a fraction of its capacity. */
const lack = ({ node, free }: OpenNode, ask: Amount): number =>
  Math.max(0, ask.cpuMilli - free.cpuMilli) / Math.max(1, node.capacity.cpuMilli) +
  Math.max(0, ask.memoryBytes - free.memoryBytes) / Math.max(1, node.capacity.memoryBytes) +
  Math.max(0, ask.gpus - free.gpus.length) / Math.max(1, node.capacity.gpus);

/** Best fit: the node that keeps the least free of GPUs, then of CPU, so that large requests still find room elsewhere. */
function tightest(candidates: readonly OpenNode[], ask: Amount): OpenNode | null {
  const left = (candidate: OpenNode): readonly [number, number] => [candidate.free.gpus.length - ask.gpus, candidate.free.cpuMilli - ask.cpuMilli];
  return candidates.toSorted((a, b) => left(a)[0] - left(b)[0] || left(a)[1] - left(b)[1] || (a.node.id < b.node.id ? -1 : 1))[0] ?? null;
}

const largest = (nodes: readonly OpenNode[]): Amount => ({
  cpuMilli: Math.max(...nodes.map(({ node }) => node.capacity.cpuMilli)),
  memoryBytes: Math.max(...nodes.map(({ node }) => node.capacity.memoryBytes)),
  gpus: Math.max(...nodes.map(({ node }) => node.capacity.gpus)),
});

const add = (a: Amount, b: Amount): Amount => ({ cpuMilli: a.cpuMilli + b.cpuMilli, memoryBytes: a.memoryBytes + b.memoryBytes, gpus: a.gpus + b.gpus });
const sum = (amounts: readonly Amount[]): Amount => amounts.reduce(add, { cpuMilli: 0, memoryBytes: 0, gpus: 0 });

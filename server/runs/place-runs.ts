import { type Capabilities, runsImage } from '#executors/executor.ts';
import type { Waiting } from '@sodate/contract/runs.ts';

/**
 * Placement: a pure function of what there is, what waits at the heads of the queues, what each tenant may hold, and the
 * time. It never looks past the heads it is given, and does the same for the same input.
 *
 * Order: the tenant that holds the least goes next (its dominant share: the largest of its fractions of all CPU, memory
 * and GPUs); within a tenant by priority, then by age. Smaller runs may go past one that does not fit, but not for ever.
 * Of the heads that have waited longer than `reserveAfterMs`, the first in that order has a node kept for it, one a pass:
 * the others get only what it does not need there, while it waits for room and in the very pass in which it fits. For
 * that one, and for those that wait for their tenant's quota, what they need of the quota is kept in the same way from the
 * later runs of the tenant.
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
  readonly executors: readonly { readonly id: string; readonly images: Capabilities['images'] }[];
  readonly capacity: Amount;
  readonly used: Amount;
  readonly freeGpus: readonly string[];
}

export interface TenantShare {
  /** null = no limit. */
  readonly quota: { readonly cpuMilli: number | null; readonly memoryBytes: number | null; readonly gpus: number | null };
  readonly used: Amount;
  /** The executors it may use; null = all. */
  readonly executors: readonly string[] | null;
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

/** Why the head of a queue was not placed; `turn` = it is held back for an older one of its tenant. */
export interface Blocker {
  readonly tenant: string;
  readonly partition: string | null;
  readonly shape: string;
  readonly reason: Waiting['reason'];
  readonly limit: { readonly cpuMilli: number | null; readonly memoryBytes: number | null; readonly gpus: number | null } | null;
}

export interface PlacementResult {
  readonly placements: readonly Placement[];
  readonly blockers: readonly Blocker[];
}

const NOTHING: Amount = { cpuMilli: 0, memoryBytes: 0, gpus: 0 };
const NO_QUOTA: TenantShare['quota'] = { cpuMilli: null, memoryBytes: null, gpus: null };

interface OpenNode {
  readonly node: PlacementNode;
  free: { cpuMilli: number; memoryBytes: number; gpus: string[] };
}

interface Reservation {
  readonly node: string;
  /** Whichever head of this group comes first may use it: they are alike. */
  readonly group: string;
  readonly ask: Amount;
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
  const mayUse = (tenant: string): TenantShare['executors'] => input.tenants.get(tenant)?.executors ?? null;
  const keptQuota = new Map<string, readonly Amount[]>();
  let reserved = reserveNode(input, open, queues, used, total);

  for (;;) {
    const tenant = leastServed(queues, used, total);
    if (tenant === null) return { placements, blockers: [...blockers.values()] };
    const head = queues.get(tenant)?.shift();
    if (head === undefined) {
      queues.delete(tenant);
      continue;
    }
    const group = groupOf(head);
    // What did not fit once in this pass does not fit later in it: only more gets used.
    if (blockers.has(group)) continue;
    const held = used.get(tenant) ?? NOTHING;
    const quota = input.tenants.get(tenant)?.quota ?? NO_QUOTA;
    const block = (reason: Blocker['reason'], limit: Blocker['limit']): void => {
      blockers.set(group, { tenant, partition: head.partition, shape: head.shape, reason, limit });
    };
    const suitable = open.filter(({ node }) => takes(node, head, mayUse(tenant)));
    if (suitable.length === 0) {
      block('no-node', null);
      continue;
    }
    const large = suitable.filter(({ node }) => contains(node.capacity, head.ask));
    if (large.length === 0) {
      block('never-fits', largest(suitable));
      continue;
    }
    const keepQuota = (): void => void keptQuota.set(tenant, [...(keptQuota.get(tenant) ?? []), head.ask]);
    if (exceeds(held, head.ask, quota)) {
      block('quota', quota);
      // Nothing is kept for what is over the quota by itself: no end of others would help it.
      if (isOverdue(input, head) && !exceeds(NOTHING, head.ask, quota)) keepQuota();
      continue;
    }
    if (keptQuota.get(tenant)?.some((kept) => exceeds(add(held, kept), head.ask, quota))) {
      block('turn', null);
      continue;
    }
    const free = large.filter(
      (candidate) =>
        fitsNow(candidate, head.ask) && (reserved?.node !== candidate.node.id || reserved.group === group || spares(candidate, reserved.ask, head.ask)),
    );
    const best = tightest(free, head.ask);
    if (best === null) {
      block('capacity', largest(large));
      if (reserved?.group === group) keepQuota();
      continue;
    }
    const gpus = best.free.gpus.splice(0, head.ask.gpus);
    best.free.cpuMilli -= head.ask.cpuMilli;
    best.free.memoryBytes -= head.ask.memoryBytes;
    used.set(tenant, add(held, head.ask));
    placements.push({ run: head.run, node: best.node.id, executor: executorFor(best.node, head.image, mayUse(tenant)) ?? '', gpus });
    if (reserved?.group === group) reserved = null;
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

const byTurn = (a: QueueHead, b: QueueHead): number => b.priority - a.priority || a.queuedAt.getTime() - b.queuedAt.getTime() || (a.run < b.run ? -1 : 1);

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

/**
 * The node kept for the first overdue head that only waits for room: where it fits best, else where it is nearest to it.
 * The first in the order of turns and not the oldest: where everybody has waited too long, shares still decide.
 */
function reserveNode(
  input: PlacementInput,
  open: readonly OpenNode[],
  queues: ReadonlyMap<string, readonly QueueHead[]>,
  used: ReadonlyMap<string, Amount>,
  total: Amount,
): Reservation | null {
  const waiting = new Map([...queues].map(([tenant, queue]) => [tenant, queue.filter((head) => isOverdue(input, head))]));
  for (;;) {
    const tenant = leastServed(waiting, used, total);
    if (tenant === null) return null;
    const { quota, executors } = input.tenants.get(tenant) ?? { quota: NO_QUOTA, executors: null };
    for (const head of waiting.get(tenant) ?? []) {
      if (exceeds(used.get(tenant) ?? NOTHING, head.ask, quota)) continue;
      const possible = open.filter(({ node }) => takes(node, head, executors) && contains(node.capacity, head.ask));
      const fitting = possible.filter((candidate) => fitsNow(candidate, head.ask));
      const best = tightest(fitting, head.ask) ?? nearest(possible, head.ask);
      if (best !== null) return { node: best.node.id, group: groupOf(head), ask: head.ask };
    }
    waiting.delete(tenant);
  }
}

const isOverdue = (input: PlacementInput, head: QueueHead): boolean => input.now.getTime() - head.queuedAt.getTime() > input.reserveAfterMs;

const groupOf = (head: QueueHead): string => `${head.tenant} ${head.partition ?? ''} ${head.shape}`;

const takes = (node: PlacementNode, head: QueueHead, mayUse: TenantShare['executors']): boolean =>
  (head.partition === null || node.partition === head.partition) && executorFor(node, head.image, mayUse) !== undefined;

const executorFor = (node: PlacementNode, image: string, mayUse: TenantShare['executors']): string | undefined =>
  node.executors.find(({ id, images }) => runsImage(images, image) && (mayUse === null || mayUse.includes(id)))?.id;

const contains = (capacity: Amount, ask: Amount): boolean =>
  ask.cpuMilli <= capacity.cpuMilli && ask.memoryBytes <= capacity.memoryBytes && ask.gpus <= capacity.gpus;

const fitsNow = ({ free }: OpenNode, ask: Amount): boolean =>
  ask.cpuMilli <= free.cpuMilli && ask.memoryBytes <= free.memoryBytes && ask.gpus <= free.gpus.length;

/** Of what it does not ask for, more may be held than the quota allows, as after the quota was lowered. */
const exceeds = (held: Amount, ask: Amount, quota: TenantShare['quota']): boolean =>
  over(held.cpuMilli, ask.cpuMilli, quota.cpuMilli) || over(held.memoryBytes, ask.memoryBytes, quota.memoryBytes) || over(held.gpus, ask.gpus, quota.gpus);

const over = (held: number, ask: number, limit: number | null): boolean => limit !== null && ask > 0 && held + ask > limit;

/** Whether a node that is kept for `kept` is as near to it when `ask` is taken from it too. */
const spares = ({ free }: OpenNode, kept: Amount, ask: Amount): boolean =>
  (ask.cpuMilli === 0 || free.cpuMilli - ask.cpuMilli >= kept.cpuMilli) &&
  (ask.memoryBytes === 0 || free.memoryBytes - ask.memoryBytes >= kept.memoryBytes) &&
  (ask.gpus === 0 || free.gpus.length - ask.gpus >= kept.gpus);

/** What is missing on a node, as a fraction of its capacity. */
const lack = ({ node, free }: OpenNode, ask: Amount): number =>
  Math.max(0, ask.cpuMilli - free.cpuMilli) / Math.max(1, node.capacity.cpuMilli) +
  Math.max(0, ask.memoryBytes - free.memoryBytes) / Math.max(1, node.capacity.memoryBytes) +
  Math.max(0, ask.gpus - free.gpus.length) / Math.max(1, node.capacity.gpus);

function nearest(candidates: readonly OpenNode[], ask: Amount): OpenNode | null {
  return candidates.toSorted((a, b) => lack(a, ask) - lack(b, ask) || (a.node.id < b.node.id ? -1 : 1))[0] ?? null;
}

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
const sum = (amounts: readonly Amount[]): Amount => amounts.reduce(add, NOTHING);

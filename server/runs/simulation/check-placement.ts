import type { Amount, PlacementInput, PlacementNode, PlacementResult, QueueHead } from '#runs/place-runs.ts';
import { byGroup, groupOf } from '#runs/simulation/placement-cases.ts';

const DIMENSIONS = ['cpuMilli', 'memoryBytes', 'gpus'] as const;
const NOTHING: Amount = { cpuMilli: 0, memoryBytes: 0, gpus: 0 };
const plus = (a: Amount, b: Amount): Amount => ({ cpuMilli: a.cpuMilli + b.cpuMilli, memoryBytes: a.memoryBytes + b.memoryBytes, gpus: a.gpus + b.gpus });
const within = (a: Amount, b: Amount): boolean => DIMENSIONS.every((dimension) => a[dimension] <= b[dimension]);
export const inTurn = (a: QueueHead, b: QueueHead): number =>
  b.priority - a.priority || a.queuedAt.getTime() - b.queuedAt.getTime() || (a.run < b.run ? -1 : 1);

/** Every promise of `placeRuns` about one pass that its answer breaks, in words. Written without a look at how it works. */
export function brokenPromises(input: PlacementInput, result: PlacementResult): readonly string[] {
  const broken: string[] = [];
  const claim = (holds: boolean, promise: string): void => {
    if (!holds) broken.push(promise);
  };
  const heads = new Map(input.heads.map((head) => [head.run, head]));
  const nodes = new Map(input.nodes.map((node) => [node.id, node]));
  const allowed = (tenant: string, executor: string): boolean => input.tenants.get(tenant)?.executors?.includes(executor) ?? true;
  const takes = (node: PlacementNode, head: QueueHead): boolean =>
    node.open &&
    (head.partition === null || head.partition === node.partition) &&
    node.executors.some(({ id, images }) => allowed(head.tenant, id) && (images === 'any' ? head.image !== 'host' : images.includes(head.image)));
  const overdue = (head: QueueHead): boolean => input.now.getTime() - head.queuedAt.getTime() > input.reserveAfterMs;

  const someOverdue = input.heads.some((head) => overdue(head));

  const onNode = new Map<string, Amount>();
  const ofTenant = new Map<string, Amount>();
  const gpusGiven = new Set<string>();
  const placed = new Map<string, string>();
  for (const { run, node: nodeId, executor, gpus } of result.placements) {
    const head = heads.get(run);
    const node = nodes.get(nodeId);
    if (head === undefined || node === undefined) {
      claim(false, `${run} on ${nodeId}: one of them is unknown`);
      continue;
    }
    claim(!placed.has(run), `${run} is placed twice`);
    placed.set(run, nodeId);
    claim(takes(node, head), `${run}: ${nodeId} is closed, or has another partition or image`);
    const images = node.executors.find(({ id }) => id === executor)?.images;
    claim(images === 'any' ? head.image !== 'host' : (images?.includes(head.image) ?? false), `${run}: the executor ${executor} does not run ${head.image}`);
    claim(allowed(head.tenant, executor), `${run}: its tenant may not use the executor ${executor}`);
    claim(gpus.length === head.ask.gpus, `${run} asks for ${head.ask.gpus} GPUs and gets ${gpus.length}`);
    for (const gpu of gpus) {
      claim(node.freeGpus.includes(gpu), `${run} gets ${gpu}, which is not free on ${nodeId}`);
      claim(!gpusGiven.has(`${nodeId} ${gpu}`), `${gpu} is given twice`);
      gpusGiven.add(`${nodeId} ${gpu}`);
    }
    onNode.set(nodeId, plus(onNode.get(nodeId) ?? NOTHING, head.ask));
    ofTenant.set(head.tenant, plus(ofTenant.get(head.tenant) ?? NOTHING, head.ask));
  }

  const free = new Map<string, Amount>();
  for (const node of input.nodes) {
    const more = onNode.get(node.id) ?? NOTHING;
    free.set(node.id, {
      cpuMilli: node.capacity.cpuMilli - node.used.cpuMilli - more.cpuMilli,
      memoryBytes: node.capacity.memoryBytes - node.used.memoryBytes - more.memoryBytes,
      gpus: node.freeGpus.length - more.gpus,
    });
    claim(more === NOTHING || within(NOTHING, free.get(node.id) ?? NOTHING), `${node.id} gets more than it has`);
  }
  const overQuota = (tenant: string, ask: Amount, held: Amount): boolean => {
    const quota = input.tenants.get(tenant)?.quota;
    return DIMENSIONS.some((dimension) => quota?.[dimension] != null && ask[dimension] > 0 && held[dimension] + ask[dimension] > (quota[dimension] ?? 0));
  };
  const heldNow = (tenant: string): Amount => plus(input.tenants.get(tenant)?.used ?? NOTHING, ofTenant.get(tenant) ?? NOTHING);
  for (const [tenant, more] of ofTenant) claim(!overQuota(tenant, more, input.tenants.get(tenant)?.used ?? NOTHING), `${tenant} gets more than its quota`);

  const groups = byGroup(input.heads);
  const blockers = byGroup(result.blockers);
  for (const key of blockers.keys()) claim(groups.has(key), `a blocker for ${key}, of which no head waits`);
  const keptFree = new Set<string>();
  for (const [key, members] of groups) {
    const inOrder = members.toSorted(inTurn);
    const firstLeft = inOrder.findIndex(({ run }) => !placed.has(run));
    const left = inOrder[firstLeft];
    const because = blockers.get(key) ?? [];
    if (left === undefined) {
      claim(because.length === 0, `${key}: all are placed, and there is a blocker`);
      continue;
    }
    claim(
      inOrder.slice(firstLeft).every(({ run }) => !placed.has(run)),
      `${key}: one goes past an earlier one of its group`,
    );
    claim(because.length === 1, `${key}: ${because.length} blockers for heads that wait`);
    const reason = because[0]?.reason;
    const suitable = input.nodes.filter((node) => takes(node, left));
    const large = suitable.filter((node) => within(left.ask, node.capacity));
    const room = large.filter((node) => within(left.ask, free.get(node.id) ?? NOTHING));
    const over = overQuota(left.tenant, left.ask, heldNow(left.tenant));
    const expected = suitable.length === 0 ? ['no-node'] : large.length === 0 ? ['never-fits'] : over ? ['quota', 'capacity', 'turn'] : ['capacity', 'turn'];
    claim(reason !== undefined && expected.includes(reason), `${key}: blocked by ${reason}, expected ${expected.join(' or ')}`);
    if (reason === 'quota') claim(over, `${key}: said to be over its quota, and is not`);
    if (reason === 'turn') {
      const elders = input.heads.filter(
        (head) =>
          head.tenant === left.tenant &&
          inTurn(head, left) < 0 &&
          groupOf(head) !== key &&
          !placed.has(head.run) &&
          groups.get(groupOf(head))?.some((member) => overdue(member)),
      );
      claim(
        elders.some((elder) => overQuota(left.tenant, left.ask, plus(heldNow(left.tenant), elder.ask))),
        `${key}: said to wait its turn behind nobody`,
      );
    }
    // Room and quota, and yet not placed: only on the one node that is kept for somebody who has waited too long.
    if (reason === 'capacity' && !over) for (const node of room) keptFree.add(node.id);
    // Whatever takes at least as much could not have found a place where this one did not, unless a node is kept for it.
    for (const other of input.heads) {
      if (someOverdue || other.tenant !== left.tenant || !placed.has(other.run) || inTurn(left, other) > 0 || reason !== 'capacity') continue;
      const node = nodes.get(placed.get(other.run) ?? '');
      claim(
        node === undefined || !takes(node, left) || !within(left.ask, other.ask),
        `${left.run} waits for capacity, and ${other.run} behind it got what it needs`,
      );
    }
  }
  claim(keptFree.size <= 1, `more than one node is kept free: ${[...keptFree].join(', ')}`);
  if (keptFree.size > 0) claim(someOverdue, `${[...keptFree].join()} has room for a head with quota left, and nobody has waited too long`);
  return broken;
}

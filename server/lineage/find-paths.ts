import type { Database } from '#kit/db/open-database.ts';
import { type EdgeRow, keyText, type NodeKey, readEdgesBeyond } from '#lineage/lineage-store.ts';
import { LINEAGE_EDGES_LIMIT, LINEAGE_NODES_LIMIT, showEdge, showNodes } from '#lineage/read-lineage.ts';
import { nodeKey } from '#lineage/walk-lineage.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { getLineagePaths } from '@sodate/contract/lineage.ts';
import type { z } from 'zod';

/**
 * One end is often narrow where the other is wide: a run has a few ancestors besides the 100,000 data in its data set,
 * and each of those few descendants. So both are walked a little, and only then further.
 */
const EDGES_READ = [2_000, 20_000, 200_000];

/**
 * All ways from one thing to what came from it. All ancestors of the one end, or all descendants of the other, hold every
 * way between the two; whichever is walked to its end first is enough.
 * @throws SodateError `not-found` for either end
 */
export async function findPaths(db: Database, tenant: TenantId, from: NodeKey, to: NodeKey): Promise<z.input<(typeof getLineagePaths)['response']>> {
  await showNodes(db, tenant, [from, to], [from, to]);
  let read: readonly EdgeRow[] = [];
  let complete = false;
  for (const limit of EDGES_READ) {
    const down = await readEdgesBeyond(db, tenant, from, 'descendants', limit);
    const up = down.length < limit ? null : await readEdgesBeyond(db, tenant, to, 'ancestors', limit);
    complete = up === null || up.length < limit;
    read = up === null ? down : complete ? up : [...down, ...up];
    if (complete) break;
  }
  const between = edgesBetween(read, from, to);
  const shortest = shortestWay(between, from, to);
  const shown = cut(between, shortest);
  const keys = new Map([...shortest, ...shown.flatMap(endsOf)].map((node) => [keyText(node), node]));
  return {
    nodes: await showNodes(db, tenant, [...keys.values()], []),
    edges: shown.map(showEdge),
    shortest: [...shortest],
    truncated: !complete || shown.length < between.length,
  };
}

const endsOf = (edge: EdgeRow): readonly [NodeKey, NodeKey] => [nodeKey(edge.from_kind, edge.from_id), nodeKey(edge.to_kind, edge.to_id)];
const fromText = (edge: EdgeRow): string => `${edge.from_kind} ${edge.from_id}`;
const toText = (edge: EdgeRow): string => `${edge.to_kind} ${edge.to_id}`;

/** Those that can be reached from the one end and lead to the other. */
function edgesBetween(edges: readonly EdgeRow[], from: NodeKey, to: NodeKey): readonly EdgeRow[] {
  const unique = [...new Map(edges.map((edge) => [`${fromText(edge)} ${toText(edge)} ${edge.relation}`, edge])).values()];
  const below = reach(unique, keyText(from), fromText, toText);
  const above = reach(unique, keyText(to), toText, fromText);
  return unique.filter((edge) => below.has(fromText(edge)) && above.has(toText(edge)));
}

/** Everything on the way from a node, and by which edge it was met first: by the shortest way. */
function reach(edges: readonly EdgeRow[], start: string, near: (edge: EdgeRow) => string, far: (edge: EdgeRow) => string): ReadonlyMap<string, EdgeRow | null> {
  const at = groupEdges(edges, near);
  const met = new Map<string, EdgeRow | null>([[start, null]]);
  let frontier: readonly string[] = [start];
  while (frontier.length > 0) {
    const next: string[] = [];
    for (const edge of frontier.flatMap((node) => at.get(node) ?? [])) {
      if (met.has(far(edge))) continue;
      met.set(far(edge), edge);
      next.push(far(edge));
    }
    frontier = next;
  }
  return met;
}

function groupEdges(edges: readonly EdgeRow[], near: (edge: EdgeRow) => string): Map<string, EdgeRow[]> {
  const groups = new Map<string, EdgeRow[]>();
  for (const edge of edges) {
    const group = groups.get(near(edge));
    if (group) group.push(edge);
    else groups.set(near(edge), [edge]);
  }
  return groups;
}

function shortestWay(edges: readonly EdgeRow[], from: NodeKey, to: NodeKey): readonly NodeKey[] {
  const met = reach(edges, keyText(from), fromText, toText);
  if (!met.has(keyText(to))) return [];
  const way: NodeKey[] = [to];
  for (let edge = met.get(keyText(to)); edge; edge = met.get(fromText(edge))) way.unshift(nodeKey(edge.from_kind, edge.from_id));
  return way;
}

/** As many as can be looked at, those of the shortest way first. */
function cut(edges: readonly EdgeRow[], shortest: readonly NodeKey[]): readonly EdgeRow[] {
  const steps = new Set(shortest.slice(1).map((node, at) => `${keyText(shortest[at] as NodeKey)} ${keyText(node)}`));
  const isStep = (edge: EdgeRow): boolean => steps.has(`${fromText(edge)} ${toText(edge)}`);
  const nodes = new Set<string>();
  const shown: EdgeRow[] = [];
  for (const edge of [...edges.filter(isStep), ...edges.filter((one) => !isStep(one))]) {
    const more = [fromText(edge), toText(edge)].filter((node) => !nodes.has(node));
    if (shown.length === LINEAGE_EDGES_LIMIT || nodes.size + more.length > LINEAGE_NODES_LIMIT) continue;
    for (const node of more) nodes.add(node);
    shown.push(edge);
  }
  return shown;
}

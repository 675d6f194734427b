import type { Database } from '#kit/db/open-database.ts';
import { type EdgeRow, keyText, type NodeKey, readEdges, type WhichEdges } from '#lineage/lineage-store.ts';
import { LineageKind } from '@sodate/contract/lineage.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

export type Direction = 'ancestors' | 'descendants';

export interface Walked {
  /** Everything that was met, the start first. */
  readonly met: ReadonlyMap<string, NodeKey>;
  /** Those between two things that were met. */
  readonly edges: readonly EdgeRow[];
  /** Nothing lies beyond what was met. */
  readonly complete: boolean;
  /** The bounds on nodes or edges ended it, not the depth. */
  readonly cutOff: boolean;
}

export interface WalkLimits {
  readonly depth: number;
  readonly nodes: number;
  readonly edges: number;
}

/** Of one statement: the frontier may be wide. */
const FRONTIER_STEP = 5_000;

/**
 * Walks level by level, one or a few indexed queries each. A recursive query would need the depth in its rows and so meet
 * a node again for every way that leads to it; here a node is met once and the bounds are exact, however wide the graph:
 * no more than `edges` rows are read, be there a million more at one node.
 *
 * Where the bounds end it, it is walked once more with what data sets contain at the very end, so that not one run or
 * data set is lost behind 100,000 data.
 */
export async function walkLineage(db: Database, tenant: TenantId, start: NodeKey, direction: Direction, limits: WalkLimits): Promise<Walked> {
  const all = await walkEdges(db, tenant, { from: [start], walked: null }, direction, limits, 'all');
  if (!all.cutOff) return all;
  const narrow = await walkEdges(db, tenant, { from: [start], walked: null }, direction, limits, 'narrow');
  return {
    ...(await walkEdges(db, tenant, { from: [...narrow.met.values()], walked: narrow }, direction, { ...limits, depth: 1 }, 'contains')),
    complete: false,
    cutOff: true,
  };
}

/** @param begin where to go on from, and what was walked before */
async function walkEdges(
  db: Database,
  tenant: TenantId,
  begin: { readonly from: readonly NodeKey[]; readonly walked: Walked | null },
  direction: Direction,
  limits: WalkLimits,
  which: WhichEdges,
): Promise<Walked> {
  const met = new Map<string, NodeKey>(begin.walked?.met ?? begin.from.map((node) => [keyText(node), node]));
  const edges: EdgeRow[] = [...(begin.walked?.edges ?? [])];
  let complete = true;
  let frontier: readonly NodeKey[] = begin.from;
  for (let level = 0; level < limits.depth && frontier.length > 0 && complete; level += 1) {
    const next: NodeKey[] = [];
    for (let at = 0; at < frontier.length && complete; at += FRONTIER_STEP) {
      const room = limits.edges - edges.length;
      const found = await readEdges(db, tenant, frontier.slice(at, at + FRONTIER_STEP), direction, which, room + 1);
      for (const edge of found.slice(0, room)) {
        const far = farEnd(edge, direction);
        if (!met.has(keyText(far))) {
          if (met.size === limits.nodes) {
            complete = false;
            continue;
          }
          met.set(keyText(far), far);
          next.push(far);
        }
        edges.push(edge);
      }
      if (found.length > room) complete = false;
    }
    frontier = next;
  }
  const cutOff = !complete;
  // Ended by depth: is there more behind the last level?
  if (complete && frontier.length > 0) complete = (await readEdges(db, tenant, frontier, direction, which, 1)).length === 0;
  return { met, edges, complete, cutOff };
}

const farEnd = (edge: EdgeRow, direction: Direction): NodeKey =>
  direction === 'ancestors' ? nodeKey(edge.from_kind, edge.from_id) : nodeKey(edge.to_kind, edge.to_id);

export const nodeKey = (kind: string, id: string): NodeKey => ({ kind: LineageKind.parse(kind), id });

import type { Database } from '#kit/db/open-database.ts';
import { type EdgeRow, keyText, type NodeKey, readEdges, readNodes } from '#lineage/lineage-store.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { LineageKind, type getLineage } from '@sodate/contract/lineage.ts';
import type { z } from 'zod';

/** More than anybody can look at; a data set may contain 100,000 data. */
export const LINEAGE_NODES_LIMIT = 2_000;
const LINEAGE_EDGES_LIMIT = 10_000;

/**
 * Walks level by level, one indexed query each. A recursive query would need the depth in its rows and so meet a node
 * again for every way that leads to it; here a node is met once and the bound is exact.
 * @throws SodateError `not-found`
 */
export async function readLineage(
  db: Database,
  tenant: TenantId,
  start: NodeKey,
  { direction, depth }: { readonly direction: 'ancestors' | 'descendants'; readonly depth: number },
): Promise<z.input<(typeof getLineage)['response']>> {
  const met = new Map<string, NodeKey>([[keyText(start), start]]);
  const edges: EdgeRow[] = [];
  let truncated = false;
  let frontier: readonly NodeKey[] = [start];
  for (let level = 0; level < depth && frontier.length > 0 && !truncated; level += 1) {
    const room = LINEAGE_EDGES_LIMIT - edges.length;
    const found = await readEdges(db, tenant, frontier, direction, room + 1);
    const next: NodeKey[] = [];
    for (const edge of found.slice(0, room)) {
      const far = direction === 'ancestors' ? nodeKey(edge.from_kind, edge.from_id) : nodeKey(edge.to_kind, edge.to_id);
      if (!met.has(keyText(far))) {
        if (met.size === LINEAGE_NODES_LIMIT) {
          truncated = true;
          continue;
        }
        met.set(keyText(far), far);
        next.push(far);
      }
      edges.push(edge);
    }
    truncated ||= found.length > room;
    frontier = next;
  }
  // Ended by depth: is there more behind the last level?
  if (!truncated && frontier.length > 0) truncated = (await readEdges(db, tenant, frontier, direction, 1)).length > 0;

  const nodes = await readNodes(db, tenant, [...met.values()]);
  if (!nodes.some((node) => node.kind === start.kind && node.id === start.id)) throw new SodateError('not-found', { thing: start.kind, reference: start.id });
  return {
    nodes: nodes.map((node) => ({ kind: LineageKind.parse(node.kind), id: node.id, label: node.label, deleted: node.deleted_at !== null })),
    edges: edges.map((edge) => ({
      from: nodeKey(edge.from_kind, edge.from_id),
      to: nodeKey(edge.to_kind, edge.to_id),
      relation: edge.relation,
      createdAt: edge.created_at.toISOString(),
    })),
    truncated,
  };
}

const nodeKey = (kind: string, id: string): NodeKey => ({ kind: LineageKind.parse(kind), id });

import type { Database } from '#kit/db/open-database.ts';
import { type EdgeRow, keyText, type NodeKey, readNodes } from '#lineage/lineage-store.ts';
import { type Direction, nodeKey, walkLineage } from '#lineage/walk-lineage.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { LineageKind, type getLineage, type LineageEdge, type LineageNode } from '@sodate/contract/lineage.ts';
import type { z } from 'zod';

/** More than anybody can look at; a data set may contain 100,000 data. */
export const LINEAGE_NODES_LIMIT = 2_000;
export const LINEAGE_EDGES_LIMIT = 10_000;

/** @throws SodateError `not-found` */
export async function readLineage(
  db: Database,
  tenant: TenantId,
  start: NodeKey,
  { direction, depth }: { readonly direction: Direction; readonly depth: number },
): Promise<z.input<(typeof getLineage)['response']>> {
  const walked = await walkLineage(db, tenant, start, direction, { depth, nodes: LINEAGE_NODES_LIMIT, edges: LINEAGE_EDGES_LIMIT });
  const nodes = await showNodes(db, tenant, [...walked.met.values()], [start]);
  return { nodes, edges: walked.edges.map(showEdge), truncated: !walked.complete };
}

/**
 * @param needed of those, the ones that must be there
 * @throws SodateError `not-found`
 */
export async function showNodes(db: Database, tenant: TenantId, keys: readonly NodeKey[], needed: readonly NodeKey[]): Promise<z.input<typeof LineageNode>[]> {
  const nodes = [...(await readNodes(db, tenant, keys))];
  for (const node of needed) {
    if (nodes.some(({ kind, id }) => kind === node.kind && id === node.id)) continue;
    const alone = await readRunAlone(db, tenant, node);
    if (alone) nodes.push(alone);
  }
  const found = new Set(nodes.map(({ kind, id }) => `${kind} ${id}`));
  const missing = needed.find((node) => !found.has(keyText(node)));
  if (missing) throw new SodateError('not-found', { thing: missing.kind, reference: missing.id });
  return nodes.map((node) => ({ kind: LineageKind.parse(node.kind), id: node.id, label: node.label, deleted: node.deleted_at !== null }));
}

/** A run that came from nothing is not in the graph until something comes of it. */
async function readRunAlone(db: Database, tenant: TenantId, { kind, id }: NodeKey): Promise<Awaited<ReturnType<typeof readNodes>>[number] | null> {
  if (kind !== 'run' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return null;
  const run = await db.selectFrom('runs').select(['kind', 'number', 'name']).where('tenant_id', '=', tenant).where('id', '=', id).executeTakeFirst();
  return run ? { kind, id, label: `${run.kind}-${run.number} ${run.name}`, deleted_at: null } : null;
}

export const showEdge = (edge: EdgeRow): z.input<typeof LineageEdge> => ({
  from: nodeKey(edge.from_kind, edge.from_id),
  to: nodeKey(edge.to_kind, edge.to_id),
  relation: edge.relation,
  createdAt: edge.created_at.toISOString(),
});

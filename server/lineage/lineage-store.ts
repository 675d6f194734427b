import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { LineageKind } from '@sodate/contract/lineage.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface NodeKey {
  readonly kind: LineageKind;
  /** The thing's id; for a commit `endpoint id:repository@commit`. */
  readonly id: string;
}

export interface LineagePoint extends NodeKey {
  /** As people read it: `#12 digits`, `training-3 first try`. */
  readonly label: string;
}

export interface LineageOrigin extends LineagePoint {
  readonly relation: 'contains' | 'derived' | 'input' | 'parent' | 'code';
}

export const keyText = (node: NodeKey): string => `${node.kind} ${node.id}`;

const distinctByKey = <Node extends NodeKey>(nodes: readonly Node[]): Node[] => [...new Map(nodes.map((node) => [keyText(node), node])).values()];

/**
 * A node that is there keeps its label and is not locked: a hundred runs a second on one data set would otherwise queue
 * behind its node. Sorted, so that two writers of the same new nodes wait for each other in the same order.
 */
export async function putNodes(tx: DatabaseTransaction, tenant: TenantId, points: readonly LineagePoint[]): Promise<void> {
  const sorted = distinctByKey(points).toSorted((a, b) => (keyText(a) < keyText(b) ? -1 : 1));
  await tx
    .insertInto('lineage_nodes')
    .values(sorted.map(({ kind, id, label }) => ({ tenant_id: tenant, kind, id, label })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function addEdges(tx: DatabaseTransaction, tenant: TenantId, to: NodeKey, from: readonly LineageOrigin[], now: Date): Promise<void> {
  if (from.length === 0) return;
  await tx
    .insertInto('lineage_edges')
    .values(
      from.map((origin) => ({
        tenant_id: tenant,
        from_kind: origin.kind,
        from_id: origin.id,
        to_kind: to.kind,
        to_id: to.id,
        relation: origin.relation,
        created_at: now,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function relabelNode(tx: DatabaseTransaction, tenant: TenantId, point: LineagePoint): Promise<void> {
  await tx
    .updateTable('lineage_nodes')
    .set({ label: point.label })
    .where('tenant_id', '=', tenant)
    .where('kind', '=', point.kind)
    .where('id', '=', point.id)
    .execute();
}

export async function markNodeDeleted(tx: DatabaseTransaction, tenant: TenantId, node: NodeKey, now: Date): Promise<void> {
  await tx
    .updateTable('lineage_nodes')
    .set({ deleted_at: now })
    .where('tenant_id', '=', tenant)
    .where('kind', '=', node.kind)
    .where('id', '=', node.id)
    .execute();
}

export interface EdgeRow {
  readonly from_kind: string;
  readonly from_id: string;
  readonly to_kind: string;
  readonly to_id: string;
  readonly relation: string;
  readonly created_at: Date;
}

/**
 * Edges at the given nodes, in one direction. What a data set contains comes last, since that may be 100,000 data and
 * the reader is bounded: runs, data sets and commits are not to be lost behind it.
 */
export function readEdges(
  db: Database,
  tenant: TenantId,
  nodes: readonly NodeKey[],
  direction: 'ancestors' | 'descendants',
  limit: number,
): Promise<EdgeRow[]> {
  const [kind, id] = direction === 'ancestors' ? (['to_kind', 'to_id'] as const) : (['from_kind', 'from_id'] as const);
  return db
    .selectFrom('lineage_edges')
    .innerJoin(
      sql<{
        kind: string;
        id: string;
      }>`(select * from unnest(${nodes.map((node) => node.kind)}::text[], ${nodes.map((node) => node.id)}::text[]) as frontier_row (kind, id))`.as('frontier'),
      (join) => join.onRef(`lineage_edges.${kind}`, '=', 'frontier.kind').onRef(`lineage_edges.${id}`, '=', 'frontier.id'),
    )
    .where('tenant_id', '=', tenant)
    .select(['from_kind', 'from_id', 'to_kind', 'to_id', 'relation', 'created_at'])
    .orderBy(sql`relation = 'contains'`)
    .orderBy('created_at', 'desc')
    .orderBy('from_id')
    .orderBy('to_id')
    .limit(limit)
    .execute();
}

export function readNodes(
  db: Database,
  tenant: TenantId,
  nodes: readonly NodeKey[],
): Promise<{ kind: string; id: string; label: string; deleted_at: Date | null }[]> {
  return db
    .selectFrom('lineage_nodes')
    .innerJoin(
      sql<{
        wanted_kind: string;
        wanted_id: string;
      }>`(select * from unnest(${nodes.map((node) => node.kind)}::text[], ${nodes.map((node) => node.id)}::text[]) as wanted_row (wanted_kind, wanted_id))`.as(
        'wanted',
      ),
      (join) => join.onRef('lineage_nodes.kind', '=', 'wanted.wanted_kind').onRef('lineage_nodes.id', '=', 'wanted.wanted_id'),
    )
    .where('tenant_id', '=', tenant)
    .select(['kind', 'id', 'label', 'deleted_at'])
    .execute();
}

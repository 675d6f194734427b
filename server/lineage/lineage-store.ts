import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { LineageKind } from '@sodate/contract/lineage.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

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

/** All, those that say what data sets contain, or all but those. */
export type WhichEdges = 'all' | 'contains' | 'narrow';

/**
 * Edges at the given nodes, in one direction, as many as `limit`. What a data set contains comes last, since that may be
 * 100,000 data and the reader is bounded: runs, data sets and commits are not to be lost behind it. Both statements stop
 * reading at the limit; sorting everything first would read all of a node's edges for the few that are wanted.
 */
export async function readEdges(
  db: Database,
  tenant: TenantId,
  nodes: readonly NodeKey[],
  direction: 'ancestors' | 'descendants',
  which: WhichEdges,
  limit: number,
): Promise<readonly EdgeRow[]> {
  const narrow = which === 'contains' ? [] : await readSomeEdges(db, tenant, nodes, direction, sql`relation <> 'contains'`, limit);
  if (which === 'narrow' || narrow.length >= limit) return narrow;
  return [...narrow, ...(await readSomeEdges(db, tenant, nodes, direction, sql`relation = 'contains'`, limit - narrow.length))];
}

async function readSomeEdges(
  db: Database,
  tenant: TenantId,
  nodes: readonly NodeKey[],
  direction: 'ancestors' | 'descendants',
  which: RawBuilder<unknown>,
  limit: number,
): Promise<readonly EdgeRow[]> {
  const [kind, id] = direction === 'ancestors' ? [sql.ref('to_kind'), sql.ref('to_id')] : [sql.ref('from_kind'), sql.ref('from_id')];
  const { rows } = await sql<EdgeRow>`
    select edge.* from unnest(${nodes.map((node) => node.kind)}::text[], ${nodes.map((node) => node.id)}::text[]) as frontier (kind, id)
    cross join lateral (
      select from_kind, from_id, to_kind, to_id, relation, created_at from lineage_edges
      where tenant_id = ${tenant} and ${kind} = frontier.kind and ${id} = frontier.id and ${which} limit ${limit}
    ) edge limit ${limit}`.execute(db);
  return rows;
}

/**
 * Edges at the node and at everything beyond it, however deep, in one recursive statement: level by level a chain of a
 * thousand runs would take a thousand. Fewer than `limit` are all there are.
 */
export async function readEdgesBeyond(
  db: Database,
  tenant: TenantId,
  start: NodeKey,
  direction: 'ancestors' | 'descendants',
  limit: number,
): Promise<readonly EdgeRow[]> {
  const [nearKind, nearId, farKind, farId] =
    direction === 'ancestors' ? ['to_kind', 'to_id', 'from_kind', 'from_id'].map(sql.ref) : ['from_kind', 'from_id', 'to_kind', 'to_id'].map(sql.ref);
  const { rows } = await sql<EdgeRow>`
    with recursive reached (kind, id) as (
      select ${start.kind}::text, ${start.id}::text
      union
      select edge.kind, edge.id from reached cross join lateral (
        select ${farKind} as kind, ${farId} as id from lineage_edges
        where tenant_id = ${tenant} and ${nearKind} = reached.kind and ${nearId} = reached.id limit ${limit}
      ) edge
    ),
    met as materialized (select kind, id from reached limit ${limit + 1})
    select edge.* from met cross join lateral (
      select from_kind, from_id, to_kind, to_id, relation, created_at from lineage_edges
      where tenant_id = ${tenant} and ${nearKind} = met.kind and ${nearId} = met.id limit ${limit}
    ) edge limit ${limit}`.execute(db);
  return rows;
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

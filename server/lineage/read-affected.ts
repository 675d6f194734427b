import type { Database } from '#kit/db/open-database.ts';
import type { NodeKey } from '#lineage/lineage-store.ts';
import { showNodes } from '#lineage/read-lineage.ts';
import { readStandingOn, type StandingThings } from '#lineage/standing-on.ts';
import type { ErrorThing } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { type Affected, LineageKind } from '@sodate/contract/lineage.ts';
import { sql } from 'kysely';

/** Beyond this many, descendants are not counted any further. */
export const DESCENDANTS_LIMIT = 100_000;
const LISTED_LIMIT = 50;

/** @throws SodateError `not-found` */
export async function readAffected(db: Database, tenant: TenantId, thing: NodeKey): Promise<Affected> {
  const [node] = await showNodes(db, tenant, [thing], [thing]);
  // What has gone stands on nothing and nothing stands on it; what came from it is still told.
  const gone = node?.deleted === true || thing.kind === 'commit';
  const [blockedBy, leaves, descendants] = await Promise.all([
    gone ? NOTHING : readStandingOn(db, tenant, thing),
    gone || thing.kind !== 'data' ? NOTHING : readUnlockedDatasets(db, tenant, thing.id),
    readDescendants(db, tenant, thing),
  ]);
  return { deletable: !gone && blockedBy.items.length === 0, blockedBy: copy(blockedBy), leaves: copy(leaves), descendants };
}

const NOTHING: StandingThings = { items: [], total: { count: 0, exact: true } };
const copy = ({ items, total }: StandingThings): Affected['leaves'] => ({ items: [...items], total });

/** A data that is deleted leaves these. */
async function readUnlockedDatasets(db: Database, tenant: TenantId, data: string): Promise<StandingThings> {
  const { rows } = await sql<ErrorThing & { total: number }>`
    select 'dataset' as kind, id, '#' || number as reference, name, (count(*) over ())::int as total from datasets
    where tenant_id = ${tenant} and locked_at is null and id in (select dataset_id from dataset_entries where tenant_id = ${tenant} and data_id = ${data}::uuid)
    order by created_at, id limit ${LISTED_LIMIT}`.execute(db);
  return { items: rows.map(({ kind, id, reference, name }) => ({ kind, id, reference, name })), total: { count: rows[0]?.total ?? 0, exact: true } };
}

/**
 * In one recursive statement: `union` meets everything once, and the limit around it ends the recursion, so that a graph
 * of a million things costs no more than the limit. The limit inside leaves the database no other way than the index: a
 * join it would make by reading the whole graph at each level.
 */
async function readDescendants(db: Database, tenant: TenantId, thing: NodeKey): Promise<Affected['descendants']> {
  const { rows } = await sql<{ counts: Record<string, number> | null; items: { kind: string; id: string; label: string }[] | null; met: number }>`
    with recursive reached (kind, id) as (
      select ${thing.kind}::text, ${thing.id}::text
      union
      select edge.to_kind, edge.to_id from reached cross join lateral (
        select to_kind, to_id from lineage_edges where tenant_id = ${tenant} and from_kind = reached.kind and from_id = reached.id limit ${DESCENDANTS_LIMIT + 2}
      ) edge
    ),
    met as materialized (select kind, id from reached limit ${DESCENDANTS_LIMIT + 2}),
    living as materialized (
      select met.kind, met.id, node.label from met cross join lateral (
        select label, deleted_at from lineage_nodes where tenant_id = ${tenant} and kind = met.kind and id = met.id limit 1
      ) node
      where node.deleted_at is null and (met.kind, met.id) <> (${thing.kind}::text, ${thing.id}::text) limit ${DESCENDANTS_LIMIT}
    )
    select (select count(*)::int from met) as met,
      (select jsonb_object_agg(kind, count) from (select kind, count(*) from living group by kind) counted) as counts,
      (select jsonb_agg(to_jsonb(listed)) from (select kind, id, label from living limit ${LISTED_LIMIT}) listed) as items`.execute(db);
  const [row] = rows;
  const count = (kind: LineageKind): number => row?.counts?.[kind] ?? 0;
  return {
    counts: { data: count('data'), dataset: count('dataset'), run: count('run'), commit: count('commit') },
    exact: (row?.met ?? 0) <= DESCENDANTS_LIMIT + 1,
    items: (row?.items ?? []).map(({ kind, id, label }) => ({ kind: LineageKind.parse(kind), id, label, deleted: false })),
  };
}

import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { addEdges, type LineageOrigin, type LineagePoint, markNodeDeleted, putNodes, relabelNode } from '#lineage/lineage-store.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

/**
 * The ancestry of everything: an edge table that each feature writes in the transaction that makes the thing, so a thing
 * and its ancestry are stored together or not at all. Edges outlive the things they connect. Never decides anything;
 * whether something may be deleted is asked elsewhere.
 */

/** Stores what `to` came from. Repeating it changes nothing; without origins it only makes the thing known. */
export async function recordLineage(
  tx: DatabaseTransaction,
  tenant: TenantId,
  lineage: { readonly to: LineagePoint; readonly from: readonly LineageOrigin[] },
  now: Date,
): Promise<void> {
  await putNodes(tx, tenant, [lineage.to, ...lineage.from]);
  await addEdges(tx, tenant, lineage.to, lineage.from, now);
}

/** The thing has another name now. */
export async function relabelLineage(tx: DatabaseTransaction, tenant: TenantId, point: LineagePoint): Promise<void> {
  await relabelNode(tx, tenant, point);
}

/** The thing is being deleted; what it led to still shows it. */
export async function markLineageDeleted(tx: DatabaseTransaction, tenant: TenantId, point: Pick<LineagePoint, 'kind' | 'id'>, now: Date): Promise<void> {
  await markNodeDeleted(tx, tenant, point, now);
}

import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import { inUseError, readStandingOn } from '#lineage/standing-on.ts';
import { addEdges, type LineageOrigin, type LineagePoint, markNodeDeleted, putNodes, relabelNode } from '#lineage/lineage-store.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { LineageKind } from '@sodate/contract/lineage.ts';

/**
 * The ancestry of everything: an edge table that each feature writes in the transaction that makes the thing, so a thing
 * and its ancestry are stored together or not at all. Edges outlive the things they connect. It also says what
 * stands on a thing, which is why that cannot be deleted.
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

/**
 * Refuses to delete, or to change, what living things stand on. To be asked in the transaction that does it, with the
 * thing's row locked; asked before, it only answers sooner.
 * @param only where things of this kind alone stand in the way
 * @throws SodateError `in-use` with what stands on it: the first of them by number and name, and how many there are
 */
export async function refuseWhenStoodOn(
  db: Database,
  tenant: TenantId,
  thing: { readonly kind: LineageKind; readonly id: string; readonly thing: string; readonly reference: string },
  only?: LineageKind,
): Promise<void> {
  const standing = await readStandingOn(db, tenant, thing, only);
  if (standing.items.length > 0) throw inUseError({ thing: thing.thing, reference: thing.reference }, standing);
}

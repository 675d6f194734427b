import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { BlobId } from '#kit/object-store/object-store.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** A blob that is being collected at the very moment makes its digest free again: try once more. More is a defect. */
const TRIES = 10;

/**
 * For each digest the one blob of the tenant that has it: the candidate's, or one that was there before, which is held
 * so that it cannot be collected before `tx` refers to it. Sorted, so that two transactions with the same new digests
 * wait for each other in the same order: whoever commits first has made the blob, the other one finds it.
 */
export async function claimBlobs(
  tx: DatabaseTransaction,
  tenant: TenantId,
  candidates: readonly { readonly blob: BlobId; readonly digest: string; readonly size: number }[],
  now: Date,
): Promise<ReadonlyMap<string, BlobId>> {
  const claimed = new Map<string, BlobId>();
  const byDigest = new Map(candidates.map((candidate) => [candidate.digest, candidate]));
  for (let attempt = 0; attempt < TRIES && claimed.size < byDigest.size; attempt += 1) {
    const open = [...byDigest.values()].filter(({ digest }) => !claimed.has(digest)).toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
    const made = await tx
      .insertInto('blobs')
      .values(open.map(({ blob, digest, size }) => ({ tenant_id: tenant, id: blob, digest, size, created_at: now })))
      .onConflict((conflict) => conflict.doNothing())
      .returning(['id', 'digest'])
      .execute();
    for (const row of made) claimed.set(row.digest, BlobId.parse(row.id));
    const others = open.map(({ digest }) => digest).filter((digest) => !claimed.has(digest));
    if (others.length === 0) break;
    const found = await tx
      .selectFrom('blobs')
      .select(['id', 'digest'])
      .where('tenant_id', '=', tenant)
      .where('copy', '=', 0)
      .where(sql<boolean>`digest = any(${others}::text[])`)
      .orderBy('digest')
      .forKeyShare()
      .execute();
    for (const row of found) claimed.set(row.digest, BlobId.parse(row.id));
  }
  if (claimed.size < byDigest.size) throw new Error('Blobs of these digests came and went while files were being stored');
  return claimed;
}

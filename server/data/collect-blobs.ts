import type { DataParts } from '#data/data-parts.ts';
import { mayRemove } from '#kit/db/hold-removals.ts';
import { forEachTogether } from '#kit/for-each-together.ts';
import { BlobId } from '#kit/object-store/object-store.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

type Parts = Pick<DataParts, 'db' | 'store' | 'log'>;

/** A store at the other end of a network takes some milliseconds for each, a data may have 10,000 files. */
const REMOVED_TOGETHER = 16;

/** Whatever table comes to refer to blobs must be named here; its foreign key fails the collection until it is. */
const isUnused = sql<boolean>`not exists (select from data_files where data_files.blob_id = blobs.id)`;

/**
 * Removes those of the given blobs that no file refers to.
 *
 * Safe against a file that is being stored with an equal blob: that transaction holds the blob's row by a key-share lock
 * before it refers to it. Either it came first, then we skip the row; or we did, then it waits, finds the row gone and
 * stores its own bytes. That nothing refers to the row is asked once more after locking it, in a statement that sees what
 * was committed until then.
 *
 * Announced → row gone, committed → bytes gone → announcement gone. A crash anywhere leaves the announcement, and the
 * sweep goes on from it: where the row is still there it only forgets.
 */
export async function collectBlobs({ db, store, log }: Parts, tenant: TenantId, blobs: readonly BlobId[]): Promise<number> {
  if (blobs.length === 0) return 0;
  const ids = blobs as readonly string[];
  const collecting = db.transaction().execute(async (tx) => {
    // A backup is copying what its rows name: the sweep comes back to it.
    if (!(await mayRemove(tx))) return { removed: [], announced: [] };
    const locked = await tx
      .selectFrom('blobs')
      .select('id')
      .where('tenant_id', '=', tenant)
      .where(sql<boolean>`id = any(${ids}::uuid[])`)
      .where(isUnused)
      .orderBy('id')
      .forUpdate()
      .skipLocked()
      .execute();
    const candidates = locked.map((row) => BlobId.parse(row.id));
    if (candidates.length === 0) return { removed: [], announced: [] };
    await store.markForRemoval(tenant, candidates);
    const gone = await tx
      .deleteFrom('blobs')
      .where('tenant_id', '=', tenant)
      .where(sql<boolean>`id = any(${candidates as readonly string[]}::uuid[])`)
      .where(isUnused)
      .returning('id')
      .execute();
    return { removed: gone.map((row) => BlobId.parse(row.id)), announced: candidates };
  });
  const { removed, announced } = await collecting.catch((error: unknown) => {
    if (!isSodateError(error) || error.code !== 'object-store-unavailable') throw error;
    // What refers to the bytes is gone; whoever removed that need not hear that the store is away. The sweep comes again.
    log.warn({ err: error, tenant }, 'bytes of removed files could not be announced for removal yet');
    return { removed: [], announced: [] };
  });
  try {
    await forEachTogether(removed, REMOVED_TOGETHER, (blob) => store.removeBlob(tenant, blob));
    await forEachTogether(announced, REMOVED_TOGETHER, (blob) => store.forget(tenant, blob));
  } catch (error) {
    // The rows are gone, so for everybody else it is done; the sweep does the rest.
    log.warn({ err: error, tenant }, 'bytes of removed files could not be deleted yet');
  }
  return removed.length;
}

const COLLECTED_TOGETHER = 500;

/** Finds every blob that is unused: what collecting at the moment of deletion missed, because of a crash or a lock. */
export async function collectUnusedBlobs(parts: Parts): Promise<number> {
  let collected = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await parts.db
      .selectFrom('blobs')
      .select(['tenant_id', 'id'])
      .where(isUnused)
      .where('id', '>', after)
      .orderBy('id')
      .limit(COLLECTED_TOGETHER)
      .execute();
    for (const tenant of new Set(rows.map((row) => row.tenant_id as TenantId))) {
      collected += await collectBlobs(
        parts,
        tenant,
        rows.filter((row) => row.tenant_id === tenant).map((row) => BlobId.parse(row.id)),
      );
    }
    if (rows.length < COLLECTED_TOGETHER) return collected;
    after = rows.at(-1)?.id ?? after;
  }
}

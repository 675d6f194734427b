import type { DataParts } from '#data/data-parts.ts';
import { blobOfUpload } from '#kit/object-store/object-store.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';

type Parts = Pick<DataParts, 'db' | 'store' | 'gate' | 'log'>;

/**
 * Removes an upload, or only one that had expired by then: senders are stopped, then the row goes, then the bytes. If the process
 * dies in between, the bytes are pending without a row, and swept.
 * @returns whether it was there
 */
export async function removeUpload({ db, store, gate, log }: Parts, tenant: TenantId, id: UploadId, expiredBy: Date | null): Promise<boolean> {
  return gate.end([id], 'stop', async () => {
    const row = db.deleteFrom('uploads').where('tenant_id', '=', tenant).where('id', '=', id).returning('id');
    const gone = await (expiredBy === null ? row : row.where('expires_at', '<=', expiredBy)).executeTakeFirst();
    if (gone) await removeUploadBytes({ store, log }, tenant, id);
    return gone !== undefined;
  });
}

/** Also what was sealed already, when completing failed after it. Only for an upload without a row. */
export async function removeUploadBytes({ store, log }: Pick<Parts, 'store' | 'log'>, tenant: TenantId, id: UploadId): Promise<void> {
  try {
    await store.removeBlob(tenant, blobOfUpload(id));
    await store.forget(tenant, id);
  } catch (error) {
    log.warn({ err: error, upload: id }, 'the bytes of an upload could not be removed yet');
  }
}

export async function giveUpUpload(parts: Parts, tenant: TenantId, id: UploadId): Promise<void> {
  if (!(await removeUpload(parts, tenant, id, null))) throw new SodateError('not-found', { thing: 'upload', reference: id });
}

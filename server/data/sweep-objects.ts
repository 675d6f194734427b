import { collectUnusedBlobs } from '#data/collect-blobs.ts';
import type { DataParts } from '#data/data-parts.ts';
import { removeUpload, removeUploadBytes } from '#data/remove-uploads.ts';
import type { PendingObject } from '#kit/object-store/object-store.ts';
import { TenantId, UploadId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

type Parts = Pick<DataParts, 'db' | 'store' | 'gate' | 'log'>;

export interface SweptObjects {
  readonly expiredUploads: number;
  readonly leftovers: number;
  readonly blobs: number;
}

/** Whatever is pending without a row for this long is left over from a crash; collecting and copying take far less. */
const LEFTOVER_MINUTES = 60;
const SWEPT_TOGETHER = 500;

/** Removes what nobody will ask for again. May run at any time, also twice at once. */
export async function sweepObjects(parts: Parts, now: Date): Promise<SweptObjects> {
  return { expiredUploads: await removeExpired(parts, now), leftovers: await removeLeftovers(parts, now), blobs: await collectUnusedBlobs(parts) };
}

async function removeExpired(parts: Parts, now: Date): Promise<number> {
  let removed = 0;
  for (;;) {
    const rows = await parts.db
      .selectFrom('uploads')
      .select(['tenant_id', 'id'])
      .where('expires_at', '<=', now)
      .orderBy('expires_at')
      .limit(SWEPT_TOGETHER)
      .execute();
    for (const row of rows) if (await removeUpload(parts, TenantId.parse(row.tenant_id), UploadId.parse(row.id), now)) removed += 1;
    if (rows.length < SWEPT_TOGETHER) return removed;
  }
}

async function removeLeftovers(parts: Parts, now: Date): Promise<number> {
  const horizon = now.getTime() - LEFTOVER_MINUTES * 60_000;
  let removed = 0;
  let batch: PendingObject[] = [];
  for await (const pending of parts.store.listPending()) {
    if (pending.touchedAt.getTime() > horizon) continue;
    batch.push(pending);
    if (batch.length < SWEPT_TOGETHER) continue;
    removed += await removeRowless(parts, batch);
    batch = [];
  }
  return removed + (await removeRowless(parts, batch));
}

/**
 * One statement asks for uploads and blobs, hence of one moment: a completion turns the one into the other in one commit,
 * and between two statements neither might be seen.
 */
async function removeRowless({ db, store, log }: Parts, pending: readonly PendingObject[]): Promise<number> {
  if (pending.length === 0) return 0;
  const { rows } = await sql<{ id: string; upload: boolean; blob: boolean }>`
    select id::text, exists (select from uploads where uploads.id = asked.id) as upload, exists (select from blobs where blobs.id = asked.id) as blob
    from unnest(${pending.map(({ id }) => id as string)}::uuid[]) as asked (id)`.execute(db);
  const known = new Map(rows.map((row) => [row.id, row]));
  let removed = 0;
  for (const { tenant, id } of pending) {
    const row = known.get(id.toLowerCase());
    if (!row || row.upload) continue;
    if (row.blob) await store.forget(tenant, id);
    else await removeUploadBytes({ store, log }, tenant, id);
    removed += 1;
  }
  return removed;
}

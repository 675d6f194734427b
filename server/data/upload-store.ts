import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { UploadShape } from '#kit/object-store/object-store.ts';
import { DataId, TenantId, UploadId, type UserId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface StoredUpload extends UploadShape {
  readonly data: DataId;
  readonly name: string;
  readonly expiresAt: Date;
}

const COLUMNS = ['tenant_id', 'id', 'data_id', 'name', 'size', 'part_size', 'expires_at'] as const;

interface UploadRow {
  tenant_id: string;
  id: string;
  data_id: string;
  name: string;
  size: number;
  part_size: number;
  expires_at: Date;
}

const toUpload = (row: UploadRow): StoredUpload => ({
  tenant: TenantId.parse(row.tenant_id),
  id: UploadId.parse(row.id),
  data: DataId.parse(row.data_id),
  name: row.name,
  size: row.size,
  partSize: row.part_size,
  expiresAt: row.expires_at,
});

export async function insertUploads(tx: DatabaseTransaction, uploads: readonly StoredUpload[], createdBy: UserId, now: Date): Promise<void> {
  await tx
    .insertInto('uploads')
    .values(
      uploads.map((upload) => ({
        tenant_id: upload.tenant,
        id: upload.id,
        data_id: upload.data,
        name: upload.name,
        size: upload.size,
        part_size: upload.partSize,
        created_by: createdBy,
        created_at: now,
        expires_at: upload.expiresAt,
      })),
    )
    .execute();
}

export async function findUploads(db: Database, tenant: TenantId, ids: readonly UploadId[]): Promise<StoredUpload[]> {
  const rows = await db
    .selectFrom('uploads')
    .select(COLUMNS)
    .where('tenant_id', '=', tenant)
    .where(sql<boolean>`id = any(${ids as readonly string[]}::uuid[])`)
    .execute();
  return rows.map(toUpload);
}

/** Only for an address that was signed for this upload: it carries the right, so there is no tenant to ask for. */
export async function findSignedUpload(db: Database, id: UploadId): Promise<StoredUpload | null> {
  const row = await db.selectFrom('uploads').select(COLUMNS).where('id', '=', id).executeTakeFirst();
  return row ? toUpload(row) : null;
}

export async function prolongUpload(db: Database, upload: StoredUpload, expiresAt: Date): Promise<void> {
  await db.updateTable('uploads').set({ expires_at: expiresAt }).where('tenant_id', '=', upload.tenant).where('id', '=', upload.id).execute();
}

export async function receivedParts(db: Database, upload: StoredUpload): Promise<number[]> {
  const rows = await db
    .selectFrom('upload_parts')
    .select('number')
    .where('tenant_id', '=', upload.tenant)
    .where('upload_id', '=', upload.id)
    .orderBy('number')
    .execute();
  return rows.map((row) => row.number);
}

/** How many parts of each have arrived; those without any are left out. */
export async function countParts(db: Database, tenant: TenantId, ids: readonly UploadId[]): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('upload_parts')
    .select(['upload_id', sql<number>`count(*)`.as('parts')])
    .where('tenant_id', '=', tenant)
    .where(sql<boolean>`upload_id = any(${ids as readonly string[]}::uuid[])`)
    .groupBy('upload_id')
    .execute();
  return new Map(rows.map((row) => [row.upload_id, row.parts]));
}

export async function deletePart(db: Database, upload: StoredUpload, part: number): Promise<void> {
  await db.deleteFrom('upload_parts').where('tenant_id', '=', upload.tenant).where('upload_id', '=', upload.id).where('number', '=', part).execute();
}

export async function insertPart(
  db: Database,
  upload: StoredUpload,
  part: { readonly number: number; readonly size: number; readonly etag: string },
): Promise<void> {
  await db
    .insertInto('upload_parts')
    .values({ tenant_id: upload.tenant, upload_id: upload.id, ...part })
    .execute();
}

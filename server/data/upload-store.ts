import { boundedTotal } from '#kit/db/page.ts';
import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { UploadShape } from '#kit/object-store/object-store.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { DataId, TenantId, UploadId, type UserId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { z } from 'zod';

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

export interface ReceivedPart {
  readonly number: number;
  readonly crc32: string | null;
}

/** What has arrived of each, in the order of the parts; uploads of which nothing has are left out. */
export async function receivedParts(db: Database, tenant: TenantId, ids: readonly UploadId[]): Promise<ReadonlyMap<string, readonly ReceivedPart[]>> {
  const rows = await db
    .selectFrom('upload_parts')
    .select(['upload_id', 'number', 'crc32'])
    .where('tenant_id', '=', tenant)
    .where(sql<boolean>`upload_id = any(${ids as readonly string[]}::uuid[])`)
    .orderBy('upload_id')
    .orderBy('number')
    .execute();
  const parts = new Map<string, ReceivedPart[]>();
  for (const { upload_id, number, crc32 } of rows) {
    const known = parts.get(upload_id);
    if (known) known.push({ number, crc32 });
    else parts.set(upload_id, [{ number, crc32 }]);
  }
  return parts;
}

/** The page goes on after this upload: ids are in order of time. */
const Cursor = z.uuid();

export async function uploadPage(
  db: Database,
  of: { readonly tenant: TenantId; readonly data: DataId; readonly user: UserId; readonly now: Date },
  ask: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<{ readonly uploads: readonly StoredUpload[]; readonly nextCursor: string | null; readonly total: { count: number; exact: boolean } }> {
  const after = ask.cursor === undefined ? null : Cursor.safeParse(ask.cursor);
  if (after?.success === false) throw new SodateError('invalid-cursor');
  const matching = db
    .selectFrom('uploads')
    .select(COLUMNS)
    .where('tenant_id', '=', of.tenant)
    .where('data_id', '=', of.data)
    .where('created_by', '=', of.user)
    .where('expires_at', '>', of.now);
  const page = after === null ? matching : matching.where('id', '>', after.data);
  const [rows, total] = await Promise.all([
    page
      .orderBy('id')
      .limit(ask.limit + 1)
      .execute(),
    boundedTotal(matching),
  ]);
  const shown = rows.slice(0, ask.limit);
  return { uploads: shown.map(toUpload), nextCursor: rows.length > ask.limit ? (shown.at(-1)?.id ?? null) : null, total };
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
  part: { readonly number: number; readonly size: number; readonly etag: string; readonly crc32: string | null },
): Promise<void> {
  await db
    .insertInto('upload_parts')
    .values({ tenant_id: upload.tenant, upload_id: upload.id, ...part })
    .execute();
}

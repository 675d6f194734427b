import { checkFileNames } from '#data/check-file-names.ts';
import type { DataParts } from '#data/data-parts.ts';
import { findDataRow } from '#data/data-store.ts';
import { fileNamesOf } from '#data/file-store.ts';
import { recordDirectParts } from '#data/part-addresses.ts';
import { signedAddressQuestion, signedPartAddress } from '#data/signed-part-address.ts';
import { findUploads, insertUploads, prolongUpload, receivedParts, type StoredUpload } from '#data/upload-store.ts';
import { changeData } from '#datasets/datasets.ts';
import { newId } from '#kit/ids.ts';
import { partCountOf } from '#kit/object-store/object-store.ts';
import { FILES_PER_DATA_LIMIT, type Upload } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UploadId, UserId } from '@sodate/contract/ids.ts';

/** An upload lives this long from its start, or from when it was last asked for: over a weekend, but not for ever. */
export const UPLOAD_HOURS = 72;
/** Uploads of one data that have neither been completed nor expired: five whole tries of a full data. */
export const OPEN_UPLOADS_PER_DATA_LIMIT = 5 * FILES_PER_DATA_LIMIT;

export const uploadExpiry = (now: Date): Date => new Date(now.getTime() + UPLOAD_HOURS * 3_600_000);

/**
 * Refuses at once what completing would have to refuse hours later, but decides nothing: completing checks again.
 * Nothing is written to the store yet.
 */
export async function startUploadsOf(
  { db, store, signingKey }: Pick<DataParts, 'db' | 'store' | 'signingKey'>,
  ask: {
    readonly tenant: TenantId;
    readonly data: string;
    readonly files: readonly { readonly name: string; readonly size: number }[];
    readonly user: UserId;
    readonly now: Date;
  },
): Promise<Upload[]> {
  const data = await findDataRow(db, ask.tenant, ask.data);
  const needed = ask.files.reduce((sum, file) => sum + file.size, 0);
  const free = await store.freeBytes();
  if (free !== null && needed > free) throw new SodateError('disk-full', { place: 'the server' });
  const uploads = ask.files.map((file): StoredUpload => ({
    tenant: ask.tenant,
    id: newId<UploadId>(),
    data: data.id,
    name: file.name,
    size: file.size,
    partSize: store.partSize(file.size),
    expiresAt: uploadExpiry(ask.now),
  }));
  await changeData(db, ask.tenant, data, async (tx) => {
    const existing = await fileNamesOf(tx, ask.tenant, data.id);
    if (existing.length + uploads.length > FILES_PER_DATA_LIMIT)
      throw new SodateError('too-many', { limit: FILES_PER_DATA_LIMIT, things: 'files in one data' });
    checkFileNames(
      existing,
      uploads.map(({ name }) => name),
    );
    const { open } = await tx
      .selectFrom('uploads')
      .select(({ fn }) => fn.countAll<number>().as('open'))
      .where('tenant_id', '=', ask.tenant)
      .where('data_id', '=', data.id)
      .executeTakeFirstOrThrow();
    if (open + uploads.length > OPEN_UPLOADS_PER_DATA_LIMIT)
      throw new SodateError('too-many', { limit: OPEN_UPLOADS_PER_DATA_LIMIT, things: 'unfinished uploads of one data' });
    await insertUploads(tx, uploads, ask.user, ask.now);
  });
  return uploads.map((upload) => toWire({ signingKey, store }, upload, []));
}

/** What of an upload has arrived. It lives on from now, with an address for as long. */
export async function resumeUpload(
  { db, store, signingKey }: Pick<DataParts, 'db' | 'store' | 'signingKey'>,
  tenant: TenantId,
  id: UploadId,
  now: Date,
): Promise<Upload> {
  const [upload] = await findUploads(db, tenant, [id]);
  if (!upload || upload.expiresAt <= now) throw new SodateError('not-found', { thing: 'upload', reference: id });
  const prolonged = { ...upload, expiresAt: uploadExpiry(now) };
  await prolongUpload(db, upload, prolonged.expiresAt);
  await recordDirectParts({ db, store }, upload);
  return toWire({ signingKey, store }, prolonged, await receivedParts(db, upload));
}

function toWire({ signingKey, store }: Pick<DataParts, 'signingKey' | 'store'>, upload: StoredUpload, received: number[]): Upload {
  const partUrl = signedPartAddress(signingKey, upload.id, upload.expiresAt);
  return {
    id: upload.id,
    name: upload.name,
    size: upload.size,
    partSize: upload.partSize,
    partCount: partCountOf(upload),
    partUrl,
    addressUrl: store.direct === null ? null : signedAddressQuestion(partUrl),
    received,
    expiresAt: upload.expiresAt.toISOString(),
  };
}

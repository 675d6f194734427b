import { checkFileNames } from '#data/check-file-names.ts';
import type { DataParts } from '#data/data-parts.ts';
import { findDataRow } from '#data/data-store.ts';
import { checkRoomFor, namesInTheWay } from '#data/file-store.ts';
import { recordDirectParts } from '#data/part-addresses.ts';
import { signedAddressQuestion, signedPartAddress } from '#data/signed-part-address.ts';
import { findUploads, insertUploads, prolongUpload, type ReceivedPart, receivedParts, type StoredUpload, uploadPage } from '#data/upload-store.ts';
import { changeData } from '#datasets/datasets.ts';
import { forEachTogether } from '#kit/for-each-together.ts';
import { newId } from '#kit/ids.ts';
import { partCountOf } from '#kit/object-store/object-store.ts';
import type { listUploads, Upload } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UploadId, UserId } from '@sodate/contract/ids.ts';
import type { z } from 'zod';

/** A store at the other end of a network takes some milliseconds for each. */
const TOGETHER = 16;

/** An upload lives this long from its start, or from when it was last asked for: over a weekend, but not for ever. */
export const UPLOAD_HOURS = 72;
/** Uploads of one data that have neither been completed nor expired. Small files go in bundles and have none. */
export const OPEN_UPLOADS_PER_DATA_LIMIT = 50_000;

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
    const names = uploads.map(({ name }) => name);
    await checkRoomFor(tx, ask.tenant, data.id, names.length);
    checkFileNames(await namesInTheWay(tx, ask.tenant, data.id, names), names);
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
  const parts = await receivedParts(db, tenant, [id]);
  return toWire({ signingKey, store }, prolonged, parts.get(id) ?? []);
}

/** A person's own unfinished uploads into a data: whoever was cut off goes on with them, from wherever. */
export async function listOpenUploads(
  { db, store, signingKey }: Pick<DataParts, 'db' | 'store' | 'signingKey'>,
  of: { readonly tenant: TenantId; readonly data: string; readonly user: UserId; readonly now: Date },
  ask: z.output<(typeof listUploads)['query']>,
): Promise<z.input<(typeof listUploads)['response']>> {
  const data = await findDataRow(db, of.tenant, of.data);
  const { uploads, nextCursor, total } = await uploadPage(db, { ...of, data: data.id }, ask);
  await forEachTogether(uploads, TOGETHER, (upload) => recordDirectParts({ db, store }, upload));
  const parts = await receivedParts(
    db,
    of.tenant,
    uploads.map(({ id }) => id),
  );
  return { items: uploads.map((upload) => toWire({ signingKey, store }, upload, parts.get(upload.id) ?? [])), nextCursor, total };
}

function toWire({ signingKey, store }: Pick<DataParts, 'signingKey' | 'store'>, upload: StoredUpload, parts: readonly ReceivedPart[]): Upload {
  const partUrl = signedPartAddress(signingKey, upload.id, upload.expiresAt);
  return {
    id: upload.id,
    name: upload.name,
    size: upload.size,
    partSize: upload.partSize,
    partCount: partCountOf(upload),
    partUrl,
    addressUrl: store.direct === null ? null : signedAddressQuestion(partUrl),
    received: parts.map(({ number }) => number),
    checksums: Object.fromEntries(parts.flatMap(({ number, crc32 }) => (crc32 === null ? [] : [[String(number), crc32]]))),
    expiresAt: upload.expiresAt.toISOString(),
  };
}

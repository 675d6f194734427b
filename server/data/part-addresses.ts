import type { DataParts } from '#data/data-parts.ts';
import { checkPartAddress } from '#data/signed-part-address.ts';
import { findSignedUpload, insertPart, receivedParts, type StoredUpload } from '#data/upload-store.ts';
import { isForeignKeyViolation, isUniqueViolation } from '#kit/db/database-errors.ts';
import { partCountOf, partLengthOf } from '#kit/object-store/object-store.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { UploadId } from '@sodate/contract/ids.ts';
import { randomBytes } from 'node:crypto';

/** The address for one part at the store itself, for whoever may send that part here; null where the store gives none. */
export async function partAddressOf(
  { db, store, signingKey }: Pick<DataParts, 'db' | 'store' | 'signingKey'>,
  asked: { readonly upload: UploadId; readonly part: number; readonly expires: number; readonly signature: string },
  now: Date,
): Promise<{ address: string | null }> {
  checkPartAddress(signingKey, asked, now);
  const upload = await findSignedUpload(db, asked.upload);
  if (!upload || upload.expiresAt <= now) throw new SodateError('not-found', { thing: 'upload', reference: asked.upload });
  if (asked.part > partCountOf(upload))
    throw new SodateError('invalid-request', { details: `upload ${upload.id} has parts 1 to ${partCountOf(upload)}, not ${asked.part}` });
  return { address: store.direct === null ? null : await store.direct.partAddress(upload, asked.part) };
}

/**
 * Parts that were sent to the store itself get their rows when somebody asks for them: the store is what knows them. One
 * that was sent both ways is there in either case, and the digest is taken of what is there at the end.
 */
export async function recordDirectParts({ db, store }: Pick<DataParts, 'db' | 'store'>, upload: StoredUpload): Promise<void> {
  if (store.direct === null) return;
  const received = await receivedParts(db, upload.tenant, [upload.id]);
  const known = new Set((received.get(upload.id) ?? []).map(({ number }) => number));
  if (known.size === partCountOf(upload)) return;
  for (const number of await store.direct.partsThere(upload)) {
    if (known.has(number)) continue;
    try {
      await insertPart(db, upload, { number, size: partLengthOf(upload, number), etag: `"${randomBytes(16).toString('hex')}"`, crc32: null });
    } catch (error) {
      if (isForeignKeyViolation(error)) throw new SodateError('not-found', { thing: 'upload', reference: upload.id });
      // Somebody else who asked at the same moment was first.
      if (!isUniqueViolation(error)) throw error;
    }
  }
}

import type { DataParts } from '#data/data-parts.ts';
import { checkPartAddress } from '#data/signed-part-address.ts';
import { deletePart, findSignedUpload, insertPart, receivedParts, type StoredUpload } from '#data/upload-store.ts';
import { isForeignKeyViolation } from '#kit/db/database-errors.ts';
import { partCountOf, partLengthOf } from '#kit/object-store/object-store.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { UploadId } from '@sodate/contract/ids.ts';
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';

interface SentPart {
  readonly upload: UploadId;
  readonly part: number;
  readonly expires: number;
  readonly signature: string;
  readonly body: Readable;
  /** What the sender says it will send; null = it does not say. */
  readonly length: number | null;
  /** The CRC-32 that the sender has of it, 8 hexadecimal digits; null = it does not say. */
  readonly crc32: string | null;
}

/**
 * The row of a part says that its bytes are durable. So a part that is sent again first loses its row: if the process
 * dies while its bytes are being overwritten, the part is missing, not wrong.
 */
export async function receivePart(
  { db, store, gate, signingKey }: Pick<DataParts, 'db' | 'store' | 'gate' | 'signingKey'>,
  sent: SentPart,
  now: Date,
): Promise<{ etag: string }> {
  checkPartAddress(signingKey, sent, now);
  // Until it is read, an error of it that nobody listens to would end the process; whoever reads it later hears of it too.
  sent.body.on('error', () => {});
  return gate.send(sent.upload, sent.part, async (signal) => {
    const notFound = (): SodateError => new SodateError('not-found', { thing: 'upload', reference: sent.upload });
    const upload = await findSignedUpload(db, sent.upload);
    if (!upload || upload.expiresAt <= now) throw notFound();
    if (sent.part > partCountOf(upload))
      throw new SodateError('invalid-request', { details: `upload ${upload.id} has parts 1 to ${partCountOf(upload)}, not ${sent.part}` });
    const expected = partLengthOf(upload, sent.part);
    if (sent.length !== null && sent.length !== expected) throw new SodateError('part-out-of-form', { part: sent.part, expected, actual: sent.length });
    await deletePart(db, upload, sent.part);
    const crc32 = await store.writePart(upload, sent.part, sent.body, signal);
    // Without a row it has not arrived.
    if (sent.crc32 !== null && sent.crc32 !== crc32) throw new SodateError('part-damaged', { part: sent.part, expected: sent.crc32, actual: crc32 });
    // Says which sending it was. Not a digest: that would cost a core as much as the whole upload does.
    const etag = `"${randomBytes(16).toString('hex')}"`;
    try {
      await insertPart(db, upload, { number: sent.part, size: expected, etag, crc32 });
    } catch (error) {
      throw isForeignKeyViolation(error) ? notFound() : error;
    }
    return { etag };
  });
}

/** `2, 5–7 of 9`; null when nothing is missing. */
export async function missingParts(db: DataParts['db'], upload: StoredUpload): Promise<string | null> {
  const parts = await receivedParts(db, upload.tenant, [upload.id]);
  const received = new Set(parts.get(upload.id)?.map(({ number }) => number));
  const count = partCountOf(upload);
  const ranges: { from: number; to: number }[] = [];
  for (let part = 1; part <= count && ranges.length <= NAMED_RANGES_LIMIT; part += 1) {
    const last = ranges.at(-1);
    if (received.has(part)) continue;
    if (last?.to === part - 1) last.to = part;
    else ranges.push({ from: part, to: part });
  }
  if (ranges.length === 0) return null;
  const named = ranges.slice(0, NAMED_RANGES_LIMIT).map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`));
  return `part ${named.join(', ')}${ranges.length > NAMED_RANGES_LIMIT ? ', …' : ''} of ${count}`;
}

const NAMED_RANGES_LIMIT = 5;

import { sendDownload } from '#kit/http/send-download.ts';
import type { Database } from '#kit/db/open-database.ts';
import { sniffImage } from '#metrics/event-files/sniff-image.ts';
import { RECORD_BYTES_LIMIT } from '#metrics/event-files/split-records.ts';
import { readAt } from '#metrics/metric-files/read-events.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

export interface StoredItem {
  readonly seq: number;
  readonly step: number;
  readonly at: number;
  readonly summary: unknown;
  readonly path: string | null;
  readonly file_offset: number | null;
  readonly file_length: number | null;
}

/** All that is kept of a series, by its order; some hundred at most. */
export async function readItems(db: Database, tenant: TenantId, series: number): Promise<readonly StoredItem[]> {
  return db
    .selectFrom('metric_items')
    .select(['seq', 'step', 'at', 'summary', 'path', 'file_offset', 'file_length'])
    .where('tenant_id', '=', tenant)
    .where('series_id', '=', series)
    .orderBy('seq')
    .execute();
}

/**
 * Sends an image or text out of the event file it was written to. The file is the job's, and may have been changed since:
 * an image that no longer begins as one is not there.
 */
export async function sendItem(
  request: FastifyRequest,
  reply: FastifyReply,
  ask: { readonly output: string; readonly kind: string; readonly name: string; readonly item: StoredItem },
): Promise<void> {
  const { path, file_offset: offset, file_length: length } = ask.item;
  const gone = new SodateError('not-found', { thing: ask.kind, reference: `${ask.name} at step ${ask.item.step}` });
  if (path === null || offset === null || length === null || length > RECORD_BYTES_LIMIT) throw gone;
  const opened = await openInside(ask.output, path);
  if (opened === null) throw gone;
  const bytes = await readFrom(opened, offset, length);
  const type = sniffImage(bytes);
  if (bytes.length < length || (ask.kind === 'image' && type === null)) throw gone;
  const name = ask.kind === 'image' ? `step-${ask.item.step}.${type?.split('/')[1]}` : `step-${ask.item.step}.txt`;
  await sendDownload(request, reply, {
    name,
    size: bytes.length,
    open: async (range) => Readable.from([range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)]),
  });
}

async function readFrom({ file, size }: { readonly file: FileHandle; readonly size: number }, offset: number, length: number): Promise<Buffer> {
  try {
    return await readAt(file, offset, Math.min(length, Math.max(0, size - offset)));
  } finally {
    await file.close();
  }
}

import { parseRange } from '#data/byte-range.ts';
import type { FoundFile } from '#data/file-store.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { ERROR_CATALOGUE, type ErrorBody } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Sends a file's bytes, or the range that is asked for. Always as an attachment of no particular type: what users upload
 * is never shown by a browser on our origin.
 */
export async function serveFile(store: ObjectStore, tenant: TenantId, file: FoundFile, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const etag = `"${file.digest}"`;
  if (request.headers['if-none-match'] === etag) return void reply.code(304).header('etag', etag).send();
  // If-Range: a reader that goes on with a file it has half of gets the rest only of the same bytes.
  const condition = request.headers['if-range'];
  const range = condition === undefined || condition === etag ? parseRange(request.headers.range, file.size) : 'all';
  if (range === 'unsatisfiable') return refuseRange(file, request, reply);
  // Opened before the first header is set, so that an error is still answered as one.
  const bytes = await store.read(tenant, file.blob, range === 'all' ? undefined : range);
  reply.headers({
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-disposition': attachment(file.name),
    'content-length': range === 'all' ? file.size : range.end - range.start + 1,
    'content-security-policy': "sandbox; default-src 'none'",
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    etag,
  });
  if (range !== 'all') reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.size}`);
  reply.send(bytes);
}

/** 416 means more to a downloading program than the catalogue's 400, and it needs the size. */
function refuseRange(file: FoundFile, request: FastifyRequest, reply: FastifyReply): void {
  const details = `the range is outside of the file's ${file.size} bytes`;
  const body: ErrorBody = { code: 'invalid-request', message: ERROR_CATALOGUE['invalid-request'].text.replace('{details}', details), params: { details }, requestId: request.id };
  reply.code(416).header('content-range', `bytes */${file.size}`).send(body);
}

/** RFC 6266: an ASCII name for old programs, and the true one in RFC 5987's form. A path's last part: a file is saved, not a tree. */
export function attachment(name: string): string {
  const last = name.split('/').at(-1) ?? name;
  const ascii = last.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(last).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

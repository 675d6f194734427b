import { type ByteRange, parseRange } from '#kit/http/byte-range.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';

export interface Download {
  /** As it shall be saved; of a path the last part. */
  readonly name: string;
  readonly size: number;
  /** Given where the bytes can never change. */
  readonly digest?: string;
  /** Opens the bytes, both ends of the range included. */
  open(range: ByteRange | undefined): Promise<Readable>;
  /** Where the bytes can be read without us, as an attachment in these words. */
  readonly addressOf?: (disposition: string) => Promise<string>;
  /** When nothing is to be read. */
  discard?(): Promise<void>;
}

/**
 * Sends bytes that somebody uploaded or a job wrote, or the range asked for. Always as an attachment of no particular
 * type: they are never shown by a browser on our origin.
 * @throws SodateError `range-not-satisfiable`
 */
export async function sendDownload(request: FastifyRequest, reply: FastifyReply, file: Download): Promise<void> {
  const etag = file.digest === undefined ? undefined : `"${file.digest}"`;
  if (etag !== undefined && request.headers['if-none-match'] === etag) {
    await file.discard?.();
    return void reply.code(304).header('etag', etag).send();
  }
  // If-Range: a reader that goes on with a file it has half of gets the rest only of the same bytes.
  const condition = request.headers['if-range'];
  const range = condition === undefined || condition === etag ? parseRange(request.headers.range, file.size) : 'all';
  if (range === 'unsatisfiable') {
    await file.discard?.();
    reply.header('content-range', `bytes */${file.size}`);
    throw new SodateError('range-not-satisfiable', { size: file.size });
  }
  if (file.addressOf !== undefined && mayBeSentElsewhere(request)) {
    await file.discard?.();
    const address = await file.addressOf(attachment(file.name));
    return void reply.code(307).headers({ location: address, 'cache-control': 'no-store' }).send();
  }
  // Opened before the first header is set, so that an error is still answered as one.
  const bytes = await file.open(range === 'all' ? undefined : range);
  request.raw.on('close', () => bytes.destroy());
  reply.headers({
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-disposition': attachment(file.name),
    'content-length': range === 'all' ? file.size : range.end - range.start + 1,
    'content-security-policy': "sandbox; default-src 'none'",
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    ...(etag === undefined ? {} : { etag }),
  });
  if (range !== 'all') reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.size}`);
  reply.send(bytes);
}

/**
 * Programs and people who follow a link go where the bytes are. Scripts of a page stay here, where no permission of the
 * store for our origin is needed, and so does who goes on with a file it has half of: the store knows other names for the
 * same bytes than we do.
 */
function mayBeSentElsewhere({ method, headers }: FastifyRequest): boolean {
  // Browsers alone send the site; programs that fetch as browsers do send the mode too.
  const byScript = headers['sec-fetch-site'] !== undefined && headers['sec-fetch-mode'] !== 'navigate';
  return method === 'GET' && headers['if-range'] === undefined && !byScript;
}

/** RFC 6266: an ASCII name for old programs, and the true one in RFC 5987's form. */
export function attachment(name: string): string {
  const last = name.split('/').at(-1) ?? name;
  const ascii = last.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(last).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

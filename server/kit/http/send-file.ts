import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FileHandle } from 'node:fs/promises';

/** Larger reads: 1 MiB buffers carry twice the bytes per second that 64 KiB ones do. */
const BUFFER_BYTES = 1024 * 1024;

/** One range of `bytes=a-b`, `bytes=a-` or `bytes=-n`; null = the whole; 'unsatisfiable' when nothing of it exists. */
export function parseRange(header: string | undefined, size: number): { readonly start: number; readonly end: number } | null | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start > end || start >= size ? 'unsatisfiable' : { start, end };
}

/** A name for a download, in ASCII and in full (RFC 6266, RFC 8187). */
export function attachmentHeader(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const full = encodeURIComponent(name).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${full}`;
}

/** Headers of a download that may be a part: never shown as a page, whatever is in it. Returns the range to send, or null when there is none. */
export function beginDownload(request: FastifyRequest, reply: FastifyReply, file: { readonly name: string; readonly size: number }): { readonly start: number; readonly end: number } | null {
  const range = parseRange(request.headers.range, file.size);
  reply
    .header('accept-ranges', 'bytes')
    .header('content-type', 'application/octet-stream')
    .header('content-disposition', attachmentHeader(file.name))
    .header('content-security-policy', 'sandbox');
  if (range === 'unsatisfiable') {
    reply.code(416).header('content-range', `bytes */${file.size}`);
    return null;
  }
  const whole = { start: 0, end: file.size - 1 };
  if (range !== null) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.size}`);
  const { start, end } = range ?? whole;
  reply.header('content-length', end - start + 1);
  return end < start ? null : { start, end };
}

/** Sends an open file, or the range asked for, and closes it. */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, opened: { readonly file: FileHandle; readonly size: number; readonly name: string }): Promise<void> {
  const range = beginDownload(request, reply, opened);
  if (range === null) {
    await opened.file.close();
    return void (await reply.send(''));
  }
  const stream = opened.file.createReadStream({ ...range, highWaterMark: BUFFER_BYTES });
  request.raw.on('close', () => stream.destroy());
  await reply.send(stream);
}

import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';

/** The beginning of a bundle; see the contract for the form. */
export function bundleHead(head: { readonly files: readonly { readonly size: number }[] }): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text]);
}

/**
 * Answers with pieces as they are read. The first one is read before anything is promised, so that its trouble is answered
 * as an error; trouble after that ends the answer short. When the reader goes, nothing more is read.
 * @param length of all pieces in bytes, where it is known
 * @returns false, and nothing is answered, when there is no piece
 */
export async function sendBundle(
  request: FastifyRequest,
  reply: FastifyReply,
  pieces: AsyncGenerator<Buffer, void, undefined>,
  length?: number,
): Promise<boolean> {
  const first = await pieces.next();
  if (first.done === true) return false;
  // The reader may have gone while the first piece was read.
  if (request.raw.socket.destroyed) {
    await pieces.return();
    reply.hijack();
    return true;
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      yield first.value as Buffer;
      yield* pieces;
    } finally {
      await pieces.return();
    }
  }
  const bytes = Readable.from(all(), { objectMode: false });
  reply.raw.on('close', () => bytes.destroy());
  reply.headers({
    'cache-control': 'no-store',
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    ...(length === undefined ? {} : { 'content-length': length }),
  });
  reply.send(bytes);
  return true;
}

import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';

/** Bytes gathered for a reader that is slower than the network. */
const AHEAD_BYTES = 1024 * 1024;

/**
 * The same bytes, and their CRC-32 when they have been read. The source is never destroyed when the reader leaves early:
 * it is a request, and its connection serves the next one too. A stop is told to both, because a source that says
 * nothing more would keep its reader waiting.
 */
export function withChecksum(source: Readable, stop: AbortSignal): { readonly stream: Readable; crc32(): string; leave(): void } {
  let checksum = 0;
  const pass = (): void => {
    for (let piece = source.read() as Buffer | null; piece !== null; piece = source.read() as Buffer | null) {
      checksum = crc32(piece, checksum);
      if (!stream.push(piece)) return;
    }
  };
  const end = (): void => void stream.push(null);
  const fail = (error: Error): void => void stream.destroy(error);
  const cut = (): void => void (source.readableEnded || stream.destroy(source.errored ?? new Error('aborted')));
  const onStop = (): void => void source.destroy(new Error('This part is being sent anew, or its upload was given up.'));
  const stream = new Readable({ read: pass, highWaterMark: AHEAD_BYTES });
  // Whoever reads learns of it, also later; until somebody does, an error that nobody listens to would end the process.
  stream.on('error', () => {});
  source.on('readable', pass).on('end', end).on('error', fail).on('close', cut);
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  return {
    stream,
    crc32: () => checksum.toString(16).padStart(8, '0'),
    leave() {
      stop.removeEventListener('abort', onStop);
      source.off('readable', pass).off('end', end).off('close', cut);
      // Its error, should one still come, has been told or is of no more interest.
      stream.destroy();
    },
  };
}

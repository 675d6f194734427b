import { SodateError } from '@sodate/contract/errors.ts';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** Writing a network's 64 KiB pieces one by one halves the throughput. */
const WRITE_BYTES = 1024 * 1024;

/**
 * Writes a stream to a region of a file: gathers pieces to 1 MiB and writes one lot while the next is being received, so
 * at most two lots are in memory. Takes exactly `length` bytes.
 */
export async function writeRegion(file: FileHandle, region: { readonly part: number; readonly offset: number; readonly length: number }, body: Readable, signal: AbortSignal): Promise<void> {
  let gathered: Buffer[] = [];
  let gatheredBytes = 0;
  let received = 0;
  let writing: Promise<unknown> = Promise.resolve();
  const write = async (): Promise<void> => {
    const lot = gathered;
    const position = region.offset + received - gatheredBytes;
    gathered = [];
    gatheredBytes = 0;
    await writing;
    writing = writeWhole(file, lot, position);
    // Awaited by the next turn; until then a failure must not count as unhandled.
    writing.catch(() => {});
  };
  const stop = (): void => void body.destroy(new Error('This part is being sent anew, or its upload was given up.'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) stop();
    for await (const piece of body as AsyncIterable<Buffer>) {
      received += piece.length;
      if (received > region.length) throw wrongLength(region, `more than ${region.length}`);
      gathered.push(piece);
      gatheredBytes += piece.length;
      if (gatheredBytes >= WRITE_BYTES) await write();
    }
    if (received !== region.length) throw wrongLength(region, received);
    await write();
  } finally {
    signal.removeEventListener('abort', stop);
    // Nothing of this call may still be on its way to the file when it has settled.
    await writing.catch(() => {});
  }
  await writing;
}

export const wrongLength = ({ part, length }: { readonly part: number; readonly length: number }, actual: number | string): SodateError =>
  new SodateError('part-out-of-form', { part, expected: length, actual });

/** A write may take less than it was given, so a nearly full disk does not look like success. */
async function writeWhole(file: FileHandle, pieces: readonly Buffer[], position: number): Promise<void> {
  let rest = [...pieces];
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at);
    at += bytesWritten;
    rest = after(rest, bytesWritten);
  }
}

function after(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let skip = bytes;
  const rest: Buffer[] = [];
  for (const piece of pieces) {
    if (skip >= piece.length) skip -= piece.length;
    else {
      rest.push(piece.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}

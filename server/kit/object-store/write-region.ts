import { SodateError } from '@sodate/contract/errors.ts';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';

/** A network's 64 KiB pieces written one by one halve the throughput; of a MiB and more Linux may look long for memory in one piece. */
const WRITE_BYTES = 256 * 1024;

interface Region {
  readonly part: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * Writes a stream to a region of a file. Copies its pieces into one of two buffers while the other is being written:
 * copying costs 0.1 ms a MiB, whereas keeping the pieces until they are written cost more time in the garbage collector
 * than all the rest. Takes exactly `length` bytes.
 * @returns their CRC-32, 8 hexadecimal digits
 */
export async function writeRegion(file: FileHandle, region: Region, body: Readable, signal: AbortSignal): Promise<string> {
  const size = Math.min(WRITE_BYTES, region.length);
  let filling: Buffer = Buffer.allocUnsafeSlow(size);
  let spare: Buffer | null = null;
  let filled = 0;
  let received = 0;
  let checksum = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    await writing;
    const lot = filling;
    writing = writeWhole(file, lot.subarray(0, filled), region.offset + received - filled);
    // Awaited by the next turn; until then a failure must not count as unhandled.
    writing.catch(() => {});
    filling = spare ?? Buffer.allocUnsafeSlow(size);
    spare = lot;
    filled = 0;
  };
  const stop = (): void => void body.destroy(new Error('This part is being sent anew, or its upload was given up.'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) stop();
    // Leaving early must not destroy the request: its connection would never be read again, nor the next request on it.
    for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (received + piece.length > region.length) throw wrongLength(region, `more than ${region.length}`);
      checksum = crc32(piece, checksum);
      for (let taken = 0; taken < piece.length;) {
        const count = piece.copy(filling, filled, taken);
        taken += count;
        filled += count;
        received += count;
        if (filled === size) await write();
      }
    }
    if (received !== region.length) throw wrongLength(region, received);
    if (filled > 0) await write();
  } finally {
    signal.removeEventListener('abort', stop);
    // Nothing of this call may still be on its way to the file when it has settled.
    await writing.catch(() => {});
  }
  await writing;
  return checksum.toString(16).padStart(8, '0');
}

const wrongLength = ({ part, length }: Region, actual: number | string): SodateError => new SodateError('part-out-of-form', { part, expected: length, actual });

/** A write may take less than it was given, so a nearly full disk does not look like success. */
async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

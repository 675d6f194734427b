import { crc32c } from '@aws-crypto/crc32c';

/**
 * Records as TensorBoard's writers frame them: a length (8 bytes), its masked CRC-32C (4), the bytes, their masked CRC (4),
 * all little-endian.
 */
export interface FramedRecord {
  /** Of its first byte, in the buffer. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

export interface SplitRecords {
  readonly records: readonly FramedRecord[];
  /** Bytes that are done with. */
  readonly consumed: number;
  /** Records whose bytes do not have their checksum, or that are larger than is read: left out. */
  readonly damaged: number;
  /**
   * Why it stops: `more` = the next record is not there in full (it needs `needs` bytes from `consumed` on), `lost` = where
   * a record should begin there is none, so nothing after it can be found, `hole` = there are only zeros so far.
   */
  readonly end: 'more' | 'lost' | 'hole';
  readonly needs: number;
}

/** A histogram of a large model has some kilobytes, an image up to megabytes. */
export const RECORD_BYTES_LIMIT = 8 * 1024 * 1024;
export const FRAME_BYTES = 16;
const HEADER_BYTES = 12;

/** `skipTo`: how far the file is known to go beyond the buffer, so that a record that is too large is stepped over. */
export function splitRecords(buffer: Uint8Array, skipTo = buffer.length): SplitRecords {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const records: FramedRecord[] = [];
  let at = 0;
  let damaged = 0;
  while (buffer.length - at >= HEADER_BYTES) {
    if (view.getUint32(at + 8, true) !== maskedCrc(buffer.subarray(at, at + 8))) {
      const hole = buffer.subarray(at, at + HEADER_BYTES).every((byte) => byte === 0);
      return { records, consumed: at, damaged, end: hole ? 'hole' : 'lost', needs: 0 };
    }
    const length = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    const framed = length + FRAME_BYTES;
    if (length > RECORD_BYTES_LIMIT) {
      if (at + framed > skipTo) return { records, consumed: at, damaged, end: 'more', needs: framed };
      if (at + framed > buffer.length) return { records, consumed: at + framed, damaged: damaged + 1, end: 'more', needs: 0 };
      damaged += 1;
      at += framed;
      continue;
    }
    if (at + framed > buffer.length) return { records, consumed: at, damaged, end: 'more', needs: framed };
    const start = at + HEADER_BYTES;
    const bytes = buffer.subarray(start, start + length);
    if (view.getUint32(start + length, true) === maskedCrc(bytes)) records.push({ start, bytes });
    else damaged += 1;
    at += framed;
  }
  return { records, consumed: at, damaged, end: 'more', needs: FRAME_BYTES };
}

/** A checksum of data that contains checksums is weak; so it is rotated and shifted. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

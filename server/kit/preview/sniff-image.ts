/** What the first bytes say of an image. Only what every browser shows and none runs: SVG is text. */
export interface SniffedImage {
  readonly format: 'png' | 'jpeg' | 'gif' | 'webp' | 'bmp';
  readonly width: number | null;
  readonly height: number | null;
}

const ascii = (bytes: Buffer, at: number, text: string): boolean => bytes.toString('latin1', at, at + text.length) === text;

/** @param bytes the beginning of the file; the size of a JPEG may stand behind 64 KiB of other things */
export function sniffImage(bytes: Buffer): SniffedImage | null {
  const sized = (format: SniffedImage['format'], needed: number, read: () => readonly [number, number]): SniffedImage => {
    const [width, height] = bytes.length >= needed ? read() : [null, null];
    return { format, width, height };
  };
  if (ascii(bytes, 0, '\u0089PNG\r\n\u001a\n')) return sized('png', 24, () => [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]);
  if (ascii(bytes, 0, 'GIF87a') || ascii(bytes, 0, 'GIF89a')) return sized('gif', 10, () => [bytes.readUInt16LE(6), bytes.readUInt16LE(8)]);
  if (bytes.length >= 3 && bytes.readUIntBE(0, 3) === 0xffd8ff) return { format: 'jpeg', ...(jpegSize(bytes) ?? { width: null, height: null }) };
  if (ascii(bytes, 0, 'RIFF') && ascii(bytes, 8, 'WEBP')) return { format: 'webp', ...(webpSize(bytes) ?? { width: null, height: null }) };
  // Two letters begin many a text: the length of the head must be one of those that exist, too.
  if (ascii(bytes, 0, 'BM') && bytes.length >= 26 && [40, 52, 56, 64, 108, 124].includes(bytes.readUInt32LE(14)))
    return { format: 'bmp', width: bytes.readInt32LE(18), height: Math.abs(bytes.readInt32LE(22)) };
  return null;
}

type Size = Pick<SniffedImage, 'width' | 'height'>;

/** The segments of a JPEG up to the one that begins a frame. */
function jpegSize(bytes: Buffer): Size | null {
  for (let at = 2; at + 9 <= bytes.length;) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1] ?? 0;
    // A fill byte, or a marker that stands alone.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    else at += 2 + Math.max(2, bytes.readUInt16BE(at + 2));
  }
  return null;
}

function webpSize(bytes: Buffer): Size | null {
  if (bytes.length < 30) return null;
  if (ascii(bytes, 12, 'VP8X')) return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (ascii(bytes, 12, 'VP8 ')) return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  if (ascii(bytes, 12, 'VP8L')) {
    const bits = bytes.readUInt32LE(21);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  return null;
}

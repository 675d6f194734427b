/**
 * PNG for greyscale images of 8 bits a pixel, with nothing but Node's zlib: what this example needs and not more.
 * Whatever the decoder does not support (colour, other depths, interlacing, more than MAX_PIXELS pixels) and whatever is
 * damaged is refused with an error that says so; it never returns a guess.
 */
import { deflateSync, inflateSync } from 'node:zlib';

/** @typedef {{ readonly width: number, readonly height: number, readonly pixels: Uint8Array }} GreyImage rows from the top */

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_PIXELS = 16 * 1024 * 1024;
const COLOUR_TYPES = new Map([
  [2, 'colour (RGB)'],
  [3, 'a palette'],
  [4, 'greyscale with alpha'],
  [6, 'colour with alpha (RGBA)'],
]);

/**
 * @param {GreyImage} image
 * @returns {Buffer}
 */
export function encodePng({ width, height, pixels }) {
  if (pixels.length !== width * height) {
    throw new Error(`an image of ${width}×${height} needs ${width * height} pixels, not ${pixels.length}`);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

/**
 * @param {Uint8Array} file
 * @returns {GreyImage}
 */
export function decodePng(file) {
  const { header, data } = readChunks(Buffer.from(file.buffer, file.byteOffset, file.byteLength));
  const { width, height } = readHeader(header);
  return { width, height, pixels: unfilter(inflate(data, height * (width + 1)), width, height) };
}

/** @param {Buffer} bytes */
function readChunks(bytes) {
  if (!bytes.subarray(0, 8).equals(SIGNATURE)) throw new Error('not a PNG file: the signature is missing');
  /** @type {Buffer | undefined} */
  let header;
  const data = [];
  for (let at = 8; ;) {
    if (at + 12 > bytes.length) throw new Error('damaged PNG file: it ends too early');
    const length = bytes.readUInt32BE(at);
    if (at + 12 + length > bytes.length) throw new Error('damaged PNG file: it ends too early');
    const type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== bytes.readUInt32BE(at + 8 + length)) {
      throw new Error(`damaged PNG file: the checksum of its ${JSON.stringify(type)} part is wrong`);
    }
    at += 12 + length;
    if (header === undefined) {
      if (type !== 'IHDR') throw new Error('damaged PNG file: it does not begin with its header');
      header = content;
    } else if (type === 'IDAT') {
      data.push(content);
    } else if (type === 'IEND') {
      return { header, data: Buffer.concat(data) };
    } else if (/^[A-Z]/.test(type)) {
      // An upper case first letter says that the image cannot be understood without this part.
      throw new Error(`this PNG file has a ${JSON.stringify(type)} part, which is not supported in a greyscale image`);
    }
  }
}

/** @param {Buffer} header */
function readHeader(header) {
  if (header.length !== 13) throw new Error('damaged PNG file: its header has the wrong length');
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const [depth, colour, compression, filter, interlace] = header.subarray(8);
  if (colour !== 0) {
    const what = COLOUR_TYPES.get(Number(colour)) ?? `the unknown colour type ${colour}`;
    throw new Error(`this PNG file has ${what}; only plain greyscale is supported: convert it`);
  }
  if (depth !== 8) throw new Error(`this PNG file has ${depth} bits a pixel; only 8 are supported: convert it`);
  if (interlace !== 0) throw new Error('this PNG file is interlaced, which is not supported: save it without');
  if (compression !== 0 || filter !== 0) throw new Error('damaged PNG file: unknown compression or filter method');
  if (width === 0 || height === 0) throw new Error('damaged PNG file: it has no pixels');
  if (width * height > MAX_PIXELS) {
    throw new Error(`this PNG file has ${width}×${height} pixels; at most ${MAX_PIXELS} pixels are supported`);
  }
  return { width, height };
}

/**
 * @param {Buffer} data
 * @param {number} expected
 */
function inflate(data, expected) {
  let rows;
  try {
    rows = inflateSync(data, { maxOutputLength: expected });
  } catch (error) {
    throw new Error('damaged PNG file: its pixels cannot be unpacked', { cause: error });
  }
  if (rows.length !== expected) throw new Error('damaged PNG file: it has fewer pixels than its header says');
  return rows;
}

/**
 * @param {Buffer} rows each with the number of its filter in front
 * @param {number} width
 * @param {number} height
 */
function unfilter(rows, width, height) {
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (width + 1)];
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const left = x > 0 ? pixels[at - 1] : 0;
      const above = y > 0 ? pixels[at - width] : 0;
      const corner = x > 0 && y > 0 ? pixels[at - width - 1] : 0;
      // A Uint8Array keeps the sum modulo 256, as the format wants it.
      pixels[at] = rows[y * (width + 1) + 1 + x] + predict(filter, left, above, corner);
    }
  }
  return pixels;
}

/**
 * @param {number} filter
 * @param {number} left
 * @param {number} above
 * @param {number} corner
 */
function predict(filter, left, above, corner) {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) >> 1;
    case 4: {
      const toLeft = Math.abs(above - corner);
      const toAbove = Math.abs(left - corner);
      const toCorner = Math.abs(left + above - 2 * corner);
      if (toLeft <= toAbove && toLeft <= toCorner) return left;
      return toAbove <= toCorner ? above : corner;
    }
    default:
      throw new Error(`damaged PNG file: unknown filter ${filter}`);
  }
}

/**
 * @param {string} type
 * @param {Buffer} content
 */
function chunk(type, content) {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, 'latin1');
  content.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * zlib.crc32 is there only from Node 20.15 on.
 * @param {Buffer} bytes
 */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

/** One measurement. `at` is in milliseconds since 1970; the value may be NaN or infinite. */
export interface Point {
  readonly step: number;
  readonly at: number;
  readonly value: number;
}

/** What a stretch of points comes to. `last` and `at` are those of the last step; `min` and `max` leave NaN out, and are NaN where nothing else is. */
export interface Bucket {
  readonly firstStep: number;
  readonly lastStep: number;
  readonly at: number;
  readonly last: number;
  readonly min: number;
  readonly max: number;
  readonly points: number;
}

/** Below this many numbers the header of the compression costs more than it saves. */
const PACK_FROM = 256;
const PLAIN = 0;
const DEFLATED = 1;
/**
 * Columns of doubles, one after the other; rising ones as differences, which are nearly always the same few bytes. One
 * letter a column: `d`ifferences or `p`lain.
 */
const POINT_COLUMNS = 'ddp';
const BUCKET_COLUMNS = 'dddpppd';

export const packPoints = (points: readonly Point[]): Buffer =>
  pack(POINT_COLUMNS, points.length, (column, at) => {
    const point = points[at] as Point;
    return column === 0 ? point.step : column === 1 ? point.at : point.value;
  });

export function unpackPoints(data: Uint8Array, count: number): Point[] {
  const [steps, ats, values] = unpack(POINT_COLUMNS, data, count);
  return Array.from({ length: count }, (_, at) => ({ step: steps?.[at] ?? 0, at: ats?.[at] ?? 0, value: values?.[at] ?? 0 }));
}

const BUCKET_FIELDS = ['firstStep', 'lastStep', 'at', 'last', 'min', 'max', 'points'] as const;

export const packBuckets = (buckets: readonly Bucket[]): Buffer =>
  pack(BUCKET_COLUMNS, buckets.length, (column, at) => (buckets[at] as Bucket)[BUCKET_FIELDS[column] as 'last']);

export function unpackBuckets(data: Uint8Array, count: number): Bucket[] {
  const [firstSteps, lastSteps, ats, lasts, mins, maxs, points] = unpack(BUCKET_COLUMNS, data, count);
  return Array.from({ length: count }, (_, at) => ({
    firstStep: firstSteps?.[at] ?? 0,
    lastStep: lastSteps?.[at] ?? 0,
    at: ats?.[at] ?? 0,
    last: lasts?.[at] ?? 0,
    min: mins?.[at] ?? 0,
    max: maxs?.[at] ?? 0,
    points: points?.[at] ?? 0,
  }));
}

function pack(columns: string, count: number, valueOf: (column: number, at: number) => number): Buffer {
  const numbers = new Float64Array(columns.length * count);
  for (let column = 0; column < columns.length; column += 1) {
    const start = column * count;
    let before = 0;
    for (let at = 0; at < count; at += 1) {
      const value = valueOf(column, at);
      numbers[start + at] = columns[column] === 'd' ? value - before : value;
      before = value;
    }
  }
  const plain = Buffer.from(numbers.buffer);
  const packed = numbers.length < PACK_FROM ? plain : deflateRawSync(plain, { level: constants.Z_BEST_SPEED });
  return Buffer.concat([Buffer.of(packed === plain ? PLAIN : DEFLATED), packed]);
}

function unpack(columns: string, data: Uint8Array, count: number): readonly Float64Array[] {
  const body = data.subarray(1);
  // Copied, because doubles need a place that is divisible by 8.
  const plain = Uint8Array.from(data[0] === DEFLATED ? inflateRawSync(body) : body);
  if (plain.length !== columns.length * count * 8)
    throw new Error(`A packed chunk has ${plain.length} bytes, which is not ${count} × ${columns.length} numbers`);
  return Array.from(columns, (how, column) => {
    const numbers = new Float64Array(plain.buffer, column * count * 8, count);
    if (how === 'd') for (let at = 1; at < count; at += 1) numbers[at] = (numbers[at] ?? 0) + (numbers[at - 1] ?? 0);
    return numbers;
  });
}

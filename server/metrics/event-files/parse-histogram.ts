import { numbersOf, type Tensor } from '#metrics/event-files/parse-tensor.ts';
import type { PbfReader } from 'pbf';

/** How values were distributed at one step. `limits[i]` is the upper end of bucket i, `counts[i]` how many fell into it. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly limits: readonly number[];
  readonly counts: readonly number[];
}

/** Kept and shown; finer ones are joined. */
const HISTOGRAM_BUCKETS_LIMIT = 64;

/** The older form, which PyTorch writes. */
export function parseHistogram(pbf: PbfReader): Histogram {
  const read = { min: 0, max: 0, count: 0, limits: [] as number[], counts: [] as number[] };
  pbf.readMessage((field) => {
    if (field === 1) read.min = pbf.readDouble();
    else if (field === 2) read.max = pbf.readDouble();
    else if (field === 3) read.count = pbf.readDouble();
    else if (field === 6) pbf.readPackedDouble(read.limits);
    else if (field === 7) pbf.readPackedDouble(read.counts);
  }, null);
  return summarise(read);
}

/** The form of TensorFlow 2: a matrix of left end, right end and count. */
export function histogramOfTensor(tensor: Tensor): Histogram | null {
  const [rows = 0, columns = 0, ...rest] = tensor.dimensions;
  if (columns !== 3 || rest.length > 0 || rows < 1) return null;
  const numbers = numbersOf(tensor);
  if (numbers.length !== rows * 3) return null;
  const limits = Array.from({ length: rows }, (_, row) => numbers[row * 3 + 1] ?? 0);
  const counts = Array.from({ length: rows }, (_, row) => numbers[row * 3 + 2] ?? 0);
  return summarise({ min: numbers[0] ?? 0, max: limits.at(-1) ?? 0, count: counts.reduce((sum, count) => sum + count, 0), limits, counts });
}

/** Buckets of zero at both ends left out, and neighbours joined until they are few. */
function summarise(read: Histogram): Histogram {
  const length = Math.min(read.limits.length, read.counts.length);
  let [from, to] = [0, length];
  while (from < to && read.counts[from] === 0) from += 1;
  while (to > from && read.counts[to - 1] === 0) to -= 1;
  const size = Math.max(1, Math.ceil((to - from) / HISTOGRAM_BUCKETS_LIMIT));
  const [limits, counts]: [number[], number[]] = [[], []];
  for (let at = from; at < to; at += size) {
    const end = Math.min(to, at + size);
    limits.push(read.limits[end - 1] ?? 0);
    counts.push(read.counts.slice(at, end).reduce((sum, count) => sum + count, 0));
  }
  return { min: read.min, max: read.max, count: read.count, limits, counts };
}

import type { Chunk } from '#metrics/chunk-store.ts';
import { asBucket, coarsen } from '#metrics/coarse-levels.ts';
import { type Bucket, packBuckets, packPoints, type Point } from '#metrics/packed-points.ts';

/** Points, or buckets, in a sealed chunk. */
export const CHUNK_SIZE = 2_048;
/** Elements of a level in one bucket of the next. A sealed chunk is 64 buckets of the level above, so chunks of all levels fit into each other. */
export const COARSER_BY = 32;
/** Small pieces after the last sealed chunk before they are merged: more cost readers, fewer cost writers. */
const TAIL_PIECES_LIMIT = 32;

interface Growing {
  readonly id: number;
  /** Before. */
  readonly points: number;
  readonly tailPieces: number;
}

/** By level: the buckets after its last sealed chunk, and how many come before them. */
export type BucketTails = ReadonlyMap<number, { readonly seq: number; readonly buckets: readonly Bucket[] }>;

/** Which pieces must be read, to be written anew together with so many points more. */
export function neededTails(series: Growing, added: number): { readonly points: boolean; readonly buckets: boolean } {
  const after = series.points + added;
  const group = CHUNK_SIZE * COARSER_BY;
  return {
    points: series.tailPieces > 0 && (fullChunks(after) > fullChunks(series.points) || series.tailPieces >= TAIL_PIECES_LIMIT),
    buckets: Math.floor(after / group) > Math.floor(series.points / group),
  };
}

const fullChunks = (points: number): number => Math.floor(points / CHUNK_SIZE);

/**
 * What to store for further points of a series, given the tails that `neededTails` names. Each point is written about
 * three times in its life: in a piece, in merged pieces, and in the sealed chunk.
 */
export function planChunks(
  series: Growing,
  added: readonly Point[],
  tails: { readonly points: readonly Point[]; readonly buckets: BucketTails },
): { readonly chunks: readonly Chunk[]; readonly tailPieces: number } {
  const needed = neededTails(series, added.length);
  const points = needed.points ? [...tails.points, ...added] : added;
  const start = series.points - (needed.points ? tails.points.length : 0);
  const full = fullChunks(start + points.length) * CHUNK_SIZE - start;
  if (full <= 0) {
    const kept = needed.points ? 1 : series.tailPieces + 1;
    return { chunks: [pointChunk(series.id, start, points, false)], tailPieces: kept };
  }
  const chunks: Chunk[] = [];
  const coarse: Bucket[] = [];
  for (let at = 0; at < full; at += CHUNK_SIZE) {
    const stretch = points.slice(at, at + CHUNK_SIZE);
    chunks.push(pointChunk(series.id, start + at, stretch, true));
    coarse.push(...coarsen(stretch.map(asBucket), COARSER_BY));
  }
  if (full < points.length) chunks.push(pointChunk(series.id, start + full, points.slice(full), false));
  const perChunk = CHUNK_SIZE / COARSER_BY;
  if (needed.buckets) chunks.push(...climb(series.id, fullChunks(start) * perChunk, coarse, tails.buckets));
  else chunks.push(bucketChunk(series.id, 1, fullChunks(start) * perChunk, coarse, false));
  return { chunks, tailPieces: full < points.length ? 1 : 0 };
}

/** Level after level: seals what is full, and hands what it comes to to the next. All tails are written anew. */
function climb(series: number, risingFrom: number, coarse: readonly Bucket[], tails: BucketTails): readonly Chunk[] {
  const chunks: Chunk[] = [];
  const top = Math.max(1, ...tails.keys());
  let rising = coarse;
  let seq = risingFrom;
  for (let level = 1; level <= top || rising.length > 0; level += 1) {
    const tail = tails.get(level);
    const buckets = [...(tail?.buckets ?? []), ...rising];
    const start = tail?.seq ?? seq;
    const full = Math.floor(buckets.length / CHUNK_SIZE) * CHUNK_SIZE;
    const next: Bucket[] = [];
    for (let at = 0; at < full; at += CHUNK_SIZE) {
      const stretch = buckets.slice(at, at + CHUNK_SIZE);
      chunks.push(bucketChunk(series, level, start + at, stretch, true));
      next.push(...coarsen(stretch, COARSER_BY));
    }
    if (full < buckets.length) chunks.push(bucketChunk(series, level, start + full, buckets.slice(full), false));
    rising = next;
    seq = start / COARSER_BY;
  }
  return chunks;
}

const pointChunk = (series: number, seq: number, points: readonly Point[], sealed: boolean): Chunk => ({
  ...{ series, level: 0, seq, count: points.length, sealed },
  ...rangesOf(points.map(asBucket)),
  data: packPoints(points),
});

const bucketChunk = (series: number, level: number, seq: number, buckets: readonly Bucket[], sealed: boolean): Chunk => ({
  ...{ series, level, seq, count: buckets.length, sealed },
  ...rangesOf(buckets),
  data: packBuckets(buckets),
});

function rangesOf(buckets: readonly Bucket[]): Pick<Chunk, 'minStep' | 'maxStep' | 'minAt' | 'maxAt'> {
  const ranges = { minStep: Infinity, maxStep: -Infinity, minAt: Infinity, maxAt: -Infinity };
  for (const { firstStep, lastStep, at } of buckets) {
    ranges.minStep = Math.min(ranges.minStep, firstStep);
    ranges.maxStep = Math.max(ranges.maxStep, lastStep);
    ranges.minAt = Math.min(ranges.minAt, at);
    ranges.maxAt = Math.max(ranges.maxAt, at);
  }
  return ranges;
}

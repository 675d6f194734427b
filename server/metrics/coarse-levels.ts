import type { Bucket, Point } from '#metrics/packed-points.ts';

export const asBucket = ({ step, at, value }: Point): Bucket => ({ firstStep: step, lastStep: step, at, last: value, min: value, max: value, points: 1 });

const lesser = (a: number, b: number): number => (Number.isNaN(a) ? b : Number.isNaN(b) || a <= b ? a : b);
const greater = (a: number, b: number): number => (Number.isNaN(a) ? b : Number.isNaN(b) || a >= b ? a : b);

/** One bucket of several neighbours. There must be one at least. */
export function joinBuckets(buckets: readonly Bucket[]): Bucket {
  const [first, ...rest] = buckets;
  if (first === undefined) throw new Error('There is no bucket of nothing');
  const joined = { ...first };
  for (const bucket of rest) {
    joined.firstStep = Math.min(joined.firstStep, bucket.firstStep);
    if (bucket.lastStep > joined.lastStep || (bucket.lastStep === joined.lastStep && bucket.at >= joined.at)) {
      joined.lastStep = bucket.lastStep;
      joined.at = bucket.at;
      joined.last = bucket.last;
    }
    joined.min = lesser(joined.min, bucket.min);
    joined.max = greater(joined.max, bucket.max);
    joined.points += bucket.points;
  }
  return joined;
}

/** Every `size` neighbours as one. */
export function coarsen(buckets: readonly Bucket[], size: number): Bucket[] {
  const coarse: Bucket[] = [];
  for (let at = 0; at < buckets.length; at += size) coarse.push(joinBuckets(buckets.slice(at, at + size)));
  return coarse;
}

/** At most `limit` buckets in the order of their steps, whatever the order they came in. */
export function thin(buckets: readonly Bucket[], limit: number): readonly Bucket[] {
  const rising = buckets.every((bucket, at) => at === 0 || comesBefore(buckets[at - 1] as Bucket, bucket) <= 0);
  const sorted = rising ? buckets : buckets.toSorted(comesBefore);
  return sorted.length <= limit ? sorted : coarsen(sorted, Math.ceil(sorted.length / limit));
}

const comesBefore = (a: Bucket, b: Bucket): number => a.firstStep - b.firstStep || a.lastStep - b.lastStep || a.at - b.at;

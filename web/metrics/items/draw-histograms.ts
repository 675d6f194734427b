import type { MetricNumber } from '@sodate/contract/metric-number.ts';

/* Histograms of a series as ridges behind each other, the newest in front. Pure. */

export interface HistogramCounts {
  readonly min: MetricNumber;
  readonly max: MetricNumber;
  /** `limits[i]` is the upper end of bucket i. */
  readonly limits: readonly MetricNumber[];
  readonly counts: readonly MetricNumber[];
}

export interface StepHistogram {
  readonly step: number;
  readonly histogram: HistogramCounts;
}

export interface Ridge {
  readonly step: number;
  /** An area of SVG. */
  readonly path: string;
  /** Where it stands. */
  readonly base: number;
}

export interface Ridges {
  readonly ridges: readonly Ridge[];
  /** The values at both ends. */
  readonly low: number;
  readonly high: number;
}

/** Of a ridge: finer than writers' buckets are where it matters, coarse enough to be drawn two hundred times. */
const BINS = 64;
/** Ridges are then about four pixels apart; of more, some are left out evenly. */
const RIDGES_LIMIT = 40;
/** How much of the height one ridge may take: they overlap, which is what makes the movement seen. */
const RIDGE_SHARE = 0.45;

interface Bucket {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Buckets with finite ends: writers close the outermost ones with the largest number that there is. */
function bucketsOf({ min, max, limits, counts }: HistogramCounts): readonly Bucket[] {
  const [least, greatest] = [Number(min), Number(max)];
  if (!Number.isFinite(least) || !Number.isFinite(greatest) || least > greatest) return [];
  const within = (value: number): number => Math.min(Math.max(value, least), greatest);
  let from = least;
  return limits.flatMap((limit, index) => {
    const to = Number.isNaN(Number(limit)) ? from : within(Number(limit));
    const count = Number(counts[index] ?? 0);
    const bucket = { from, to: Math.max(from, to), count };
    from = bucket.to;
    return count > 0 && Number.isFinite(count) ? [bucket] : [];
  });
}

/** Counts of equal parts of `low`..`high`; a bucket that lies in several gives each its share, so that the sum stays. */
export function rebin(histogram: HistogramCounts, low: number, high: number, bins: number): readonly number[] {
  const parts = Array.from({ length: bins }, () => 0);
  const wide = (high - low) / bins;
  const placeOf = (value: number): number => Math.min(bins - 1, Math.max(0, Math.floor((value - low) / wide)));
  for (const { from, to, count } of bucketsOf(histogram)) {
    const [first, last] = [placeOf(from), placeOf(to)];
    for (let at = first; at <= last; at += 1) {
      const overlap = Math.min(to, low + (at + 1) * wide) - Math.max(from, low + at * wide);
      parts[at] = (parts[at] ?? 0) + (first === last ? count : (count * Math.max(0, overlap)) / (to - from));
    }
  }
  return parts;
}

/** Some of a list, evenly spread, the last one among them. */
export const spread = <Item>(items: readonly Item[], most: number): readonly Item[] =>
  items.length <= most ? items : Array.from({ length: most }, (_, index) => items[Math.round(((index + 1) * items.length) / most) - 1] as Item);

/** @returns null where no histogram has a finite value */
export function drawHistograms(items: readonly StepHistogram[], size: { readonly width: number; readonly height: number }): Ridges | null {
  const drawable = spread(
    items.filter(({ histogram }) => bucketsOf(histogram).length > 0).toSorted((a, b) => a.step - b.step),
    RIDGES_LIMIT,
  );
  if (drawable.length === 0) return null;
  const least = Math.min(...drawable.map(({ histogram }) => Number(histogram.min)));
  const greatest = Math.max(...drawable.map(({ histogram }) => Number(histogram.max)));
  // All of one value: it stands in the middle of something.
  const margin = least === greatest ? Math.max(Math.abs(least) * 0.1, 0.5) : 0;
  const [low, high] = [least - margin, greatest + margin];
  const shapes = drawable.map(({ step, histogram }) => ({ step, bins: rebin(histogram, low, high, BINS) }));
  const peak = Math.max(...shapes.flatMap(({ bins }) => bins));
  const alone = shapes.length === 1;
  const tall = size.height * (alone ? 0.95 : RIDGE_SHARE);
  return {
    low,
    high,
    ridges: shapes.map(({ step, bins }, index) => {
      const base = alone ? size.height : tall + (index * (size.height - tall)) / (shapes.length - 1);
      return { step, base, path: areaOf(bins, { base, tall, peak, width: size.width }) };
    }),
  };
}

function areaOf(
  bins: readonly number[],
  { base, tall, peak, width }: { readonly base: number; readonly tall: number; readonly peak: number; readonly width: number },
): string {
  const point = (x: number, count: number): string => `${round(x)},${round(base - (count / peak) * tall)}`;
  const middles = bins.map((count, index) => point(((index + 0.5) * width) / bins.length, count));
  return `M0,${round(base)} L${middles.join(' ')} L${round(width)},${round(base)} Z`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

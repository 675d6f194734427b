import type { Bucket } from '#metrics/packed-points.ts';
import type { SeriesRow } from '#metrics/series-store.ts';
import type { MetricNumber } from '@sodate/contract/metric-number.ts';
import type { Chart, Series } from '@sodate/contract/metrics.ts';

/** A number as it goes over the wire, where JSON has no word for NaN and infinities. */
export const showNumber = (value: number): MetricNumber => (Number.isFinite(value) ? value : (String(value) as MetricNumber));

export const showNullable = (value: number | null): MetricNumber | null => (value === null ? null : showNumber(value));

export function showSeries(row: SeriesRow): Series {
  const [source, ...folder] = row.origin.split('/');
  return {
    name: row.name,
    kind: row.kind,
    source: source as Series['source'],
    folder: source === 'events' ? folder.join('/') : null,
    points: row.points,
    nanPoints: row.nan_points,
    firstStep: row.first_step,
    lastStep: row.last_step,
    lastAt: row.last_at === null ? null : new Date(row.last_at).toISOString(),
    last: showNullable(row.last_value),
    min: showNullable(row.min_value),
    minStep: row.min_step,
    max: showNullable(row.max_value),
    maxStep: row.max_step,
  };
}

/** Buckets as columns: a quarter of the bytes that a list of objects takes. */
export function showChart(buckets: readonly Bucket[]): Pick<Chart, 'exact' | 'steps' | 'at' | 'last' | 'min' | 'max' | 'counts'> {
  const exact = buckets.every(({ points }) => points === 1);
  return {
    exact,
    steps: buckets.map(({ firstStep }) => firstStep),
    at: buckets.map(({ at }) => at),
    last: buckets.map(({ last }) => showNumber(last)),
    ...(exact
      ? {}
      : {
          min: buckets.map(({ min }) => showNumber(min)),
          max: buckets.map(({ max }) => showNumber(max)),
          counts: buckets.map(({ points }) => points),
        }),
  };
}

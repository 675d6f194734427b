import type { Point } from '#metrics/packed-points.ts';
import type { SeriesRow } from '#metrics/series-store.ts';

/** What is known of a series when these points have come to it too, in their order. */
export function addToSeries(series: SeriesRow, points: readonly Point[]): SeriesRow {
  const sum: { -readonly [Key in keyof SeriesRow]: SeriesRow[Key] } = { ...series, points: series.points + points.length };
  for (const { step, at, value } of points) {
    sum.first_step = Math.min(sum.first_step ?? step, step);
    sum.latest_at = Math.max(sum.latest_at ?? at, at);
    const isLast = sum.last_step === null || step > sum.last_step || (step === sum.last_step && at >= (sum.last_at ?? at));
    if (isLast) Object.assign(sum, { last_step: step, last_at: at, last_value: value });
    if (Number.isNaN(value)) sum.nan_points += 1;
    else {
      if (sum.min_value === null || value < sum.min_value) Object.assign(sum, { min_value: value, min_step: step });
      if (sum.max_value === null || value > sum.max_value) Object.assign(sum, { max_value: value, max_step: step });
    }
  }
  return sum;
}

import type { MetricNumber } from '@sodate/contract/metric-number.ts';
import type { Chart, Series } from '@sodate/contract/metrics.ts';
import { table } from './table.ts';
import { formatTime } from './time.ts';

/** Six digits are enough to compare by eye; --json has them all. */
export const formatNumber = (value: MetricNumber | null): string | null =>
  value === null ? null : typeof value === 'string' ? value : String(Number(value.toPrecision(6)));

const atStep = (value: MetricNumber | null, step: number | null): string | null => (value === null ? null : `${formatNumber(value)} @ ${step}`);

export const formatSeries = (items: readonly Series[]): string =>
  table(
    ['name', 'kind', 'points', 'last', 'least', 'greatest', 'at'],
    items.map((one) => [
      one.name,
      one.kind,
      one.nanPoints === 0 ? one.points : `${one.points} (${one.nanPoints} NaN)`,
      atStep(one.last, one.lastStep),
      atStep(one.min, one.minStep),
      atStep(one.max, one.maxStep),
      formatTime(one.lastAt),
    ]),
  );

/** What could not be taken, each in a line. */
export function formatLosses(losses: {
  readonly dropped: number;
  readonly malformedLines: number;
  readonly damagedRecords: number;
  readonly skippedFiles: number;
  readonly folderTooLarge: boolean;
}): string {
  const lines = [
    losses.dropped > 0 && `${losses.dropped} points or parameters were not kept: the run is at a limit, such as that of 10,000 series.`,
    losses.malformedLines > 0 && `${losses.malformedLines} lines of metrics.jsonl could not be read.`,
    losses.damagedRecords > 0 && `${losses.damagedRecords} records of event files could not be read.`,
    losses.skippedFiles > 0 && `${losses.skippedFiles} event files are not followed: the run has too many, or in folders too deep.`,
    losses.folderTooLarge && 'The output folder has more entries than are looked through for event files. Write them near its top.',
  ];
  return lines.flatMap((line) => (line === false ? [] : [`\n${line}`])).join('');
}

export const formatChart = (chart: Chart): string =>
  chart.exact
    ? table(
        ['step', 'time', 'value'],
        chart.steps.map((step, at) => [step, formatTime(new Date(chart.at[at] ?? 0).toISOString()), formatNumber(chart.last[at] ?? null)]),
      )
    : table(
        ['from step', 'points', 'last', 'least', 'greatest'],
        chart.steps.map((step, at) => [
          step,
          chart.counts?.[at] ?? null,
          formatNumber(chart.last[at] ?? null),
          formatNumber(chart.min?.[at] ?? null),
          formatNumber(chart.max?.[at] ?? null),
        ]),
      );

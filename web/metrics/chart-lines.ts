import type { Chart } from '@sodate/contract/metrics.ts';
import type { StepRange } from './metric-queries.ts';

/* What is drawn of a chart. All pure. */

/** By step, or by the seconds since the first point of each run. */
export type ChartAxis = 'step' | 'time';

export interface ChartView {
  readonly axis: ChartAxis;
  readonly log: boolean;
  /** 0: as it is; below 1: how much of each value comes from those before it. */
  readonly smoothing: number;
}

/** null is a gap in the line, undefined only a place where another run has a point. */
export type Values = (number | null | undefined)[];

export interface ChartLine {
  readonly run: string;
  readonly values: Values;
  /** null without smoothing. */
  readonly smoothed: Values | null;
  /** The extremes of the stretches; null where every point is shown. */
  readonly least: Values | null;
  readonly greatest: Values | null;
}

export interface ChartLines {
  readonly xs: number[];
  readonly lines: readonly ChartLine[];
}

/** When each run's first point was written, in milliseconds since 1970. */
export const startsOf = (charts: readonly Chart[]): ReadonlyMap<string, number> =>
  new Map(charts.map((chart) => [chart.run.id, chart.at.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY)]));

const xOf = (chart: Chart, index: number, axis: ChartAxis, start: number): number =>
  axis === 'step' ? (chart.steps[index] ?? 0) : ((chart.at[index] ?? 0) - start) / 1000;

/** Lines of several runs over common places. Of points at the same place, as after a restart, the last one is shown. */
export function alignCharts(charts: readonly Chart[], starts: ReadonlyMap<string, number>, { axis, log, smoothing }: ChartView): ChartLines {
  const placed = charts.map((chart) => {
    const at = new Map<number, number>();
    for (let index = 0; index < chart.steps.length; index += 1) at.set(xOf(chart, index, axis, starts.get(chart.run.id) ?? 0), index);
    return { chart, at };
  });
  const xs = [...new Set(placed.flatMap(({ at }) => [...at.keys()]))].sort((a, b) => a - b);
  const shown = (value: number | undefined): number | null => (value === undefined || !Number.isFinite(value) || (log && value <= 0) ? null : value);
  const lines = placed.map(({ chart, at }) => {
    const column = (numbers: Chart['last']): Values =>
      xs.map((x) => {
        const index = at.get(x);
        return index === undefined ? undefined : shown(Number(numbers[index]));
      });
    const values = column(chart.last);
    return {
      run: chart.run.id,
      values,
      smoothed: smoothing > 0 ? smooth(values, smoothing) : null,
      least: chart.min === undefined ? null : column(chart.min),
      greatest: chart.max === undefined ? null : column(chart.max),
    };
  });
  return { xs, lines };
}

/** An exponential average that is not drawn towards 0 at its beginning. Gaps stay gaps. */
export function smooth(values: Values, weight: number): Values {
  let sum = 0;
  let share = 0;
  return values.map((value) => {
    if (value === null || value === undefined) return value;
    sum = sum * weight + value * (1 - weight);
    share = share * weight + (1 - weight);
    return sum / share;
  });
}

/** The line's own place nearest to one of the common places; null where the line has nothing. */
export function nearestPlace({ xs, lines }: ChartLines, line: number, place: number): number | null {
  const values = lines[line]?.values ?? [];
  const x = xs[place] ?? 0;
  const walk = (by: 1 | -1): number | null => {
    for (let at = place; at >= 0 && at < values.length; at += by) if (values[at] !== undefined) return at;
    return null;
  };
  const before = walk(-1);
  const after = walk(1);
  if (before === null || after === null) return before ?? after;
  return x - (xs[before] ?? 0) <= (xs[after] ?? 0) - x ? before : after;
}

/** The steps to ask for to see a part of the axis closer; null where nothing lies there. */
export function stepsWithin(charts: readonly Chart[], starts: ReadonlyMap<string, number>, axis: ChartAxis, part: readonly [number, number]): StepRange | null {
  if (axis === 'step') return { from: Math.floor(part[0]), to: Math.ceil(part[1]) };
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const chart of charts) {
    for (let index = 0; index < chart.steps.length; index += 1) {
      const start = starts.get(chart.run.id) ?? 0;
      // A stretch reaches to the next one: the one that begins before the part counts too.
      const ends = index + 1 < chart.steps.length ? xOf(chart, index + 1, axis, start) : xOf(chart, index, axis, start);
      if (ends < part[0] || xOf(chart, index, axis, start) > part[1]) continue;
      from = Math.min(from, chart.steps[index] ?? 0);
      to = Math.max(to, chart.steps[index + 1] ?? chart.steps[index] ?? 0);
    }
  }
  return from > to ? null : { from, to };
}

import type { Chart } from '@sodate/contract/metrics.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignCharts, nearestPlace, smooth, startsOf, stepsWithin } from './chart-lines.ts';

const chartOf = (run: string, points: readonly (readonly [step: number, at: number, value: Chart['last'][number]])[], more: Partial<Chart> = {}): Chart => ({
  run: { id: run as Chart['run']['id'], kind: 'training', number: 1, name: run },
  name: 'loss',
  points: points.length,
  exact: true,
  steps: points.map(([step]) => step),
  at: points.map(([, at]) => at),
  last: points.map(([, , value]) => value),
  ...more,
});
const PLAIN = { axis: 'step', log: false, smoothing: 0 } as const;

describe('lines over a common axis', () => {
  it('leaves a gap at NaN and infinity, and none where only another run has a point', () => {
    const a = chartOf('a', [
      [1, 10, 0.5],
      [2, 20, 'NaN'],
      [3, 30, 'Infinity'],
      [4, 40, 0.25],
    ]);
    const b = chartOf('b', [[2, 15, 7]]);
    const { xs, lines } = alignCharts([a, b], startsOf([a, b]), PLAIN);
    expect(xs).toEqual([1, 2, 3, 4]);
    expect(lines.map(({ values }) => values)).toEqual([
      [0.5, null, null, 0.25],
      [undefined, 7, undefined, undefined],
    ]);
  });

  it('shows no value of 0 and below on a log scale', () => {
    const chart = chartOf('a', [
      [1, 0, 0],
      [2, 0, -1],
      [3, 0, 10],
    ]);
    expect(alignCharts([chart], startsOf([chart]), { ...PLAIN, log: true }).lines[0]?.values).toEqual([null, null, 10]);
  });

  it('begins the time of each run at its own first point, and sorts by it though steps went back', () => {
    const a = chartOf('a', [
      [1, 5_000, 1],
      [1, 9_000, 3],
      [2, 6_000, 2],
    ]);
    const b = chartOf('b', [[1, 100_000, 4]]);
    const { xs, lines } = alignCharts([a, b], startsOf([a, b]), { ...PLAIN, axis: 'time' });
    expect(xs).toEqual([0, 1, 4]);
    expect(lines[0]?.values).toEqual([1, 2, 3]);
    expect(lines[1]?.values).toEqual([4, undefined, undefined]);
  });

  it('shows the last of several points at one step', () => {
    const chart = chartOf('a', [
      [1, 1, 5],
      [1, 2, 6],
    ]);
    expect(alignCharts([chart], startsOf([chart]), PLAIN)).toMatchObject({ xs: [1], lines: [{ values: [6] }] });
  });

  it('has the extremes of stretches, and none where every point is shown', () => {
    const chart = chartOf('a', [[1, 1, 5]], { exact: false, min: [-3], max: [9], counts: [100] });
    expect(alignCharts([chart], startsOf([chart]), PLAIN).lines[0]).toMatchObject({ least: [-3], greatest: [9], smoothed: null });
    expect(alignCharts([chartOf('a', [[1, 1, 5]])], new Map(), PLAIN).lines[0]).toMatchObject({ least: null, greatest: null });
  });
});

describe('smoothing', () => {
  it('keeps gaps, begins at the first value and stays within the values', () => {
    expect(smooth([4, null, undefined, 4], 0.9)).toEqual([4, null, undefined, 4]);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (values, weight) => {
          const smoothed = smooth(values, weight);
          const slack = 1e-6 * Math.max(1, ...values.map(Math.abs));
          expect(smoothed[0]).toBeCloseTo(values[0] ?? 0, 3);
          for (const value of smoothed) {
            expect(value).toBeGreaterThanOrEqual(Math.min(...values) - slack);
            expect(value).toBeLessThanOrEqual(Math.max(...values) + slack);
          }
        },
      ),
    );
  });
});

describe('what the pointer is at', () => {
  it("is a line's own nearest place, before or after; none of an empty line", () => {
    const lines = { xs: [0, 1, 10, 11], lines: [{ values: [5, undefined, undefined, 6] }, { values: [undefined, undefined, undefined, undefined] }] };
    const all = { xs: lines.xs, lines: lines.lines.map(({ values }, run) => ({ run: String(run), values, smoothed: null, least: null, greatest: null })) };
    expect([0, 1, 2, 3].map((place) => nearestPlace(all, 0, place))).toEqual([0, 0, 3, 3]);
    expect(nearestPlace(all, 1, 2)).toBeNull();
  });
});

describe('the steps of a part', () => {
  const chart = chartOf('a', [
    [0, 1_000, 1],
    [100, 11_000, 1],
    [200, 21_000, 1],
  ]);
  it.each([
    ['step', [10.5, 20.2], { from: 10, to: 21 }],
    ['time', [2, 3], { from: 0, to: 100 }],
    ['time', [12, 40], { from: 100, to: 200 }],
    ['time', [50, 60], null],
  ] as const)('by %s, of %j are %j', (axis, part, expected) => {
    expect(stepsWithin([chart], startsOf([chart]), axis, part)).toEqual(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { drawHistograms, type HistogramCounts, rebin, spread } from './draw-histograms.ts';

const EVEN: HistogramCounts = { min: 0, max: 4, limits: [1, 2, 3, 4], counts: [1, 2, 3, 4] };
const SIZE = { width: 100, height: 50 };
const sum = (parts: readonly number[]): number => parts.reduce((total, part) => total + part, 0);

describe('histograms in equal parts', () => {
  it('keep their counts where the parts are the buckets', () => {
    expect(rebin(EVEN, 0, 4, 4)).toEqual([1, 2, 3, 4]);
  });

  it('share a bucket between the parts that it lies in, and lose nothing', () => {
    expect(rebin(EVEN, 0, 4, 8)).toEqual([0.5, 0.5, 1, 1, 1.5, 1.5, 2, 2]);
    for (const bins of [1, 3, 7, 64]) expect(sum(rebin(EVEN, -1, 6, bins))).toBeCloseTo(10, 9);
  });

  it('end at the least and greatest value, whatever the outermost limits are', () => {
    const open: HistogramCounts = { min: -1, max: 1, limits: [-0.5, 0.5, Number.MAX_VALUE], counts: [1, 2, 1] };
    const parts = rebin(open, -1, 1, 4);
    expect(parts).toEqual([1, 1, 1, 1]);
    expect(rebin({ ...open, limits: [-0.5, 0.5, 'Infinity'] }, -1, 1, 4)).toEqual(parts);
  });

  it('have one value in one part', () => {
    expect(rebin({ min: 2, max: 2, limits: [2], counts: [7] }, 1.5, 2.5, 4)).toEqual([0, 0, 7, 0]);
  });

  it('leave out what is no number of anything', () => {
    expect(sum(rebin({ min: 0, max: 2, limits: ['NaN', 1, 2], counts: ['NaN', -3, 5] }, 0, 2, 2))).toBe(5);
    expect(sum(rebin({ min: 'NaN', max: 'NaN', limits: [1], counts: [1] }, 0, 1, 2))).toBe(0);
  });
});

describe('a drawing of histograms', () => {
  it('stands in the order of steps, the newest lowest, all within the picture', () => {
    const drawn = drawHistograms(
      [20, 0, 10].map((step) => ({ step, histogram: EVEN })),
      SIZE,
    );
    expect(drawn?.ridges.map(({ step }) => step)).toEqual([0, 10, 20]);
    expect(drawn?.ridges.at(-1)?.base).toBe(SIZE.height);
    expect([drawn?.low, drawn?.high]).toEqual([0, 4]);
    const numbers = (drawn?.ridges ?? []).flatMap(({ path }) => [...path.matchAll(/-?[\d.]+(?=,)|(?<=,)-?[\d.]+/g)].map(Number));
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(100);
    expect(numbers.every(Number.isFinite)).toBe(true);
  });

  it('of two hundred shows some, the newest among them', () => {
    const drawn = drawHistograms(
      Array.from({ length: 200 }, (_, step) => ({ step, histogram: EVEN })),
      SIZE,
    );
    expect(drawn?.ridges).toHaveLength(40);
    expect(drawn?.ridges.at(-1)?.step).toBe(199);
  });

  it('of one value only has a width; of none there is no drawing', () => {
    const drawn = drawHistograms([{ step: 0, histogram: { min: 3, max: 3, limits: [3], counts: [5] } }], SIZE);
    expect([drawn?.low, drawn?.high]).toEqual([2.5, 3.5]);
    expect(drawHistograms([{ step: 0, histogram: { min: 'NaN', max: 'NaN', limits: [], counts: [] } }], SIZE)).toBeNull();
    expect(drawHistograms([], SIZE)).toBeNull();
  });
});

describe('some of many', () => {
  it.each([
    [[1, 2, 3], 5, [1, 2, 3]],
    [[1, 2, 3, 4], 2, [2, 4]],
    [[1, 2, 3, 4, 5], 1, [5]],
  ])('%j, at most %i: %j', (items, most, some) => {
    expect(spread(items, most)).toEqual(some);
  });
});

import { describe, expect, it } from 'vitest';
import { readChartView, writeChartView } from './chart-view.ts';
import { readCompareSearch, readRunReferences } from './compare-search.ts';
import { lineStyle } from './line-colours.ts';
import { compareNumbers, formatMetric } from './metric-numbers.ts';
import { readMetricColumns } from './read-metric-columns.ts';

describe('a metric as people read it', () => {
  it.each([
    [0.123456, '0.12346'],
    [123456.789, '123,456.789'],
    [1e-7, '1e-7'],
    [-2e12, '-2e+12'],
    [0, '0'],
    ['NaN', 'NaN'],
    ['Infinity', '∞'],
    ['-Infinity', '−∞'],
  ] as const)('%s is %s', (value, words) => {
    expect(formatMetric(value, 'en')).toBe(words);
  });
});

describe('numbers side by side', () => {
  it('have a least and a greatest, NaN and nothing left out', () => {
    expect(compareNumbers([3, null, 'NaN', 1, 3, '-Infinity'])).toEqual({ least: new Set([5]), greatest: new Set([0, 4]), differs: true });
  });

  it('have neither when they are the same', () => {
    expect(compareNumbers([2, 2])).toEqual({ least: new Set(), greatest: new Set(), differs: false });
    expect(compareNumbers([2, null])).toEqual({ least: new Set(), greatest: new Set(), differs: true });
    expect(compareNumbers([null, null]).differs).toBe(false);
  });
});

describe('the address of a comparison', () => {
  it('takes each reference once and leaves out what is none', () => {
    expect(readCompareSearch({ runs: 'training-1,training-2,,training-1,<b>,tracked-7', view: 'values' })).toEqual({
      runs: 'training-1,training-2,tracked-7',
      view: 'values',
    });
    expect(readCompareSearch({ runs: ['training-1'], view: 'charts' })).toEqual({ runs: undefined, view: undefined });
    expect(readRunReferences(Array.from({ length: 150 }, (_, index) => `task-${index + 1}`).join(','))).toHaveLength(100);
  });
});

describe('what a device remembers', () => {
  it('is read as it was written', () => {
    const view = { axis: 'time', log: true, smoothing: 0.6 } as const;
    expect(readChartView(writeChartView(view))).toEqual(view);
  });

  it.each([null, '', 'x,y,z', 'step,linear,1', 'step,linear,-1'])('is as at first where %j was found', (text) => {
    expect(readChartView(text)).toEqual({ axis: 'step', log: false, smoothing: 0 });
  });

  it('has metrics as columns, at most 20, or none where they are not readable', () => {
    expect(readMetricColumns('["loss","val, loss"]')).toEqual(['loss', 'val, loss']);
    expect(readMetricColumns(JSON.stringify(Array.from({ length: 30 }, (_, index) => `m${index}`)))).toHaveLength(20);
    for (const text of [null, '{', '{}', '[1]', '[""]']) expect(readMetricColumns(text)).toEqual([]);
  });
});

describe('lines of a chart', () => {
  it('differ in colour or dashes for 100 runs', () => {
    const looks = Array.from({ length: 100 }, (_, index) => JSON.stringify(lineStyle(index, 'dark')));
    expect(new Set(looks).size).toBe(100);
  });
});

import { describe, expect, it } from 'vitest';
import { findMetrics, gridRows, groupMetrics } from './group-metrics.ts';

const NAMES = ['accuracy', 'train/loss', 'train/lr', 'val/deep/loss', 'val/loss', '/odd'];

describe('groups of metrics', () => {
  it('are what stands before the first slash; those without come first', () => {
    expect(groupMetrics(NAMES)).toEqual([
      { name: '', metrics: ['accuracy', '/odd'] },
      { name: 'train', metrics: ['train/loss', 'train/lr'] },
      { name: 'val', metrics: ['val/deep/loss', 'val/loss'] },
    ]);
  });

  it('become rows of charts under headings that fold', () => {
    const rows = gridRows(groupMetrics(NAMES), new Set(['train']), 1);
    expect(rows.map((row) => (row.kind === 'group' ? `# ${row.group.name} ${row.open}` : row.metrics.join()))).toEqual([
      '#  true',
      'accuracy',
      '/odd',
      '# train false',
      '# val true',
      'val/deep/loss',
      'val/loss',
    ]);
  });

  it('need no heading when there is one, and cannot be folded then', () => {
    expect(gridRows(groupMetrics(['a', 'b', 'c']), new Set(['']), 2)).toEqual([
      { kind: 'charts', group: '', metrics: ['a', 'b'] },
      { kind: 'charts', group: '', metrics: ['c'] },
    ]);
  });

  it('are found by every word, in any case', () => {
    expect(findMetrics(NAMES, ' LOSS val ')).toEqual(['val/deep/loss', 'val/loss']);
    expect(findMetrics(NAMES, ' ')).toBe(NAMES);
  });
});

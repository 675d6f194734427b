import { createSavedSearch } from '@sodate/contract/search.ts';
import { describe, expect, it } from 'vitest';
import { readColumns, writeColumns } from './saved-columns.ts';

describe('columns of a saved search', () => {
  it.each([
    [{ columns: [], metrics: [] }],
    [{ columns: ['value', 'createdBy', 'exitCode'], metrics: ['loss'] }],
    [{ columns: ['tags'], metrics: ['train/loss', 'a, b', '100 %', '日本語 の名前', '%2c', 'tab\there'] }],
  ] as const)('come back as they were: %j', (shown) => {
    const words = writeColumns(shown);
    expect(readColumns(words)).toEqual(shown);
    const body = { thing: 'run', name: 'x', query: '', columns: words };
    expect(createSavedSearch.body.safeParse(body).error).toBeUndefined();
  });

  it('are called as on the command line', () => {
    expect(writeColumns({ columns: ['createdBy', 'exitCode', 'duration'], metrics: [] })).toEqual(['name', 'state', 'by', 'exit', 'duration']);
    expect(readColumns(['run', 'name', 'by', 'nonsense'])).toEqual({ columns: ['createdBy'], metrics: [] });
  });

  it('leave those that are shown where none were saved', () => {
    expect(readColumns([])).toBeNull();
  });

  it('leave out what cannot be kept, and survive what somebody else wrote', () => {
    expect(writeColumns({ columns: [], metrics: ['x'.repeat(300)] })).toEqual(['name', 'state']);
    expect(readColumns(['metric.100%'])).toEqual({ columns: [], metrics: ['100%'] });
  });
});

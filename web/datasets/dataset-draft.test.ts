import { describe, expect, it } from 'vitest';
import { addTo, columnsOf, EMPTY_DRAFT, entriesBody, move, removeFrom, sameEntries } from './dataset-draft.ts';

const data = (...numbers: number[]) => numbers.map((number) => ({ id: `id-${number}`, number, name: `data ${number}`, tags: [] }));
const numbers = (entries: readonly { readonly number: number }[]) => entries.map(({ number }) => number);

describe('arranging a data set', () => {
  const some = addTo(EMPTY_DRAFT, 'training', data(1, 2, 3));

  it('adds each data once to a column, and to as many columns as one likes', () => {
    const twice = addTo(addTo(some, 'training', data(2, 4, 4)), 'testing', data(1));
    expect(numbers(twice.entries.training)).toEqual([1, 2, 3, 4]);
    expect(numbers(twice.entries.testing)).toEqual([1]);
    expect(addTo(some, 'training', data(1))).toBe(some);
  });

  it('moves and takes away', () => {
    const moved = move(some, 'training', 'validation', new Set(['id-1', 'id-3']));
    expect(numbers(moved.entries.training)).toEqual([2]);
    expect(numbers(moved.entries.validation)).toEqual([1, 3]);
    expect(numbers(removeFrom(moved, 'validation', new Set(['id-3'])).entries.validation)).toEqual([1]);
    expect(move(some, 'training', 'training', new Set(['id-1']))).toBe(some);
  });

  it('sends what its arrangement shows, and keeps the other one', () => {
    const both = { ...addTo(some, 'flat', data(9)), flat: true };
    expect(columnsOf(both)).toEqual(['flat']);
    expect(entriesBody(both)).toEqual({ flatEntries: ['id-9'] });
    expect(entriesBody({ ...both, flat: false })).toEqual({ entries: { training: ['id-1', 'id-2', 'id-3'], testing: [], validation: [] } });
    expect(sameEntries(some, both)).toBe(false);
    expect(sameEntries(some, { ...some, name: 'other' })).toBe(true);
  });
});

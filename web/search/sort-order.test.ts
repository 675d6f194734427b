import { expect, it } from 'vitest';
import { isSorted, nextSort } from './sort-order.ts';

it.each([
  [undefined, 'name', false, 'name'],
  ['name', 'name', false, '-name'],
  ['-name', 'name', false, undefined],
  [undefined, 'size', true, '-size'],
  ['-size', 'size', true, 'size'],
  ['size', 'size', true, undefined],
  ['name', 'created', true, undefined],
  [undefined, 'created', true, 'created'],
  ['created', 'created', true, undefined],
] as const)('%s, %s pressed → %s', (sort, column, descendingFirst, next) => {
  expect(nextSort(sort, column, descendingFirst)).toBe(next);
});

it('says how a list is sorted, which unsaid is newest first', () => {
  expect([isSorted(undefined, 'created'), isSorted('name', 'name'), isSorted('-name', 'name'), isSorted('name', 'created')]).toEqual([
    'descending',
    'ascending',
    'descending',
    'none',
  ]);
});

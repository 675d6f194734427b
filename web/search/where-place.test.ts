import { expect, it } from 'vitest';
import { wherePlace } from './where-place.ts';

it.each([
  ['state:nonsense digits', 7, ['state:', 'nonsense', ' digits']],
  ['digits (', 8, ['digits ', '(', '']],
  ['state:', 7, ['state:', '', '']],
  ['a', 99, ['a', '', '']],
  ['', 1, ['', '', '']],
] as const)('%j at %i', (search, at, [before, place, behind]) => {
  expect(wherePlace(search, at)).toEqual({ before, place, behind });
});

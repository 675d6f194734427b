import { describe, expect, it } from 'vitest';
import { chooseRows } from './choose-rows.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];
const after = (chosen: string[], clicked: string, before: string | null, range: boolean) =>
  [...chooseRows(ids, new Set(chosen), clicked, before, range)].sort();

describe('choosing rows', () => {
  it.each([
    [[], 'b', null, false, ['b']],
    [['b'], 'b', 'b', false, []],
    [['b'], 'd', 'b', true, ['b', 'c', 'd']],
    [['e'], 'c', 'e', true, ['c', 'd', 'e']],
    [['a', 'b', 'c'], 'c', 'a', true, []],
    [[], 'c', 'gone', true, ['c']],
  ] as const)('%j, click %s after %s (Shift: %s) → %j', (chosen, clicked, before, range, expected) => {
    expect(after([...chosen], clicked, before, range)).toEqual(expected);
  });
});

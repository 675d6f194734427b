import { describe, expect, it } from 'vitest';
import { itemAt, stepsOf } from './item-steps.ts';

const at = (...steps: number[]) => steps.map((step, item) => ({ step, item }));

describe('what is there at a step', () => {
  it('has the steps of all lists, each once, in order', () => {
    expect(stepsOf([at(10, 0, 10), at(5), []])).toEqual([0, 5, 10]);
    expect(stepsOf([])).toEqual([]);
  });

  it('is the latest at or before it, whatever the order in which it came', () => {
    const items = at(0, 10, 5, 10);
    expect([0, 4, 5, 9, 10, 99].map((step) => itemAt(items, step)?.item)).toEqual([0, 0, 2, 2, 3, 3]);
    expect(itemAt(items, -1)).toBeNull();
    expect(itemAt([], 5)).toBeNull();
  });
});

import { parseRange } from '#kit/http/byte-range.ts';
import { describe, expect, it } from 'vitest';

describe('a Range header', () => {
  it.each([
    [undefined, 10, 'all'],
    ['bytes=0-3', 10, { start: 0, end: 3 }],
    ['bytes=4-', 10, { start: 4, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=-30', 10, { start: 0, end: 9 }],
    ['bytes=8-99', 10, { start: 8, end: 9 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=5-3', 10, 'all'],
    ['bytes=-', 10, 'all'],
    ['bytes=0-1,4-5', 10, 'all'],
    ['items=0-1', 10, 'all'],
    ['bytes=999999999999999999999-', 10, 'all'],
  ])('%s of %i bytes', (header, size, expected) => {
    expect(parseRange(header, size)).toEqual(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { changeTags } from './change-tags.ts';

describe('changing the tags of many', () => {
  it.each([
    [['a', 'b'], ['c'], [], ['a', 'b', 'c']],
    [['a', 'b'], [], ['a'], ['b']],
    [['a', 'b'], ['a'], [], null],
    [['a'], ['a'], ['a'], null],
    [['a'], [], ['x'], null],
    [[], ['c', 'c'], ['d'], ['c']],
  ] as const)('%j + %j − %j', (tags, added, removed, expected) => {
    expect(changeTags(tags, added, removed)).toEqual(expected);
  });
});

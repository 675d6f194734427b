import { checkFileNames } from '#data/check-file-names.ts';
import { describe, expect, it } from 'vitest';

const check = (existing: string[], added: string[]): string => {
  try {
    checkFileNames(existing, added);
    return 'fine';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('names of the files of a data', () => {
  it.each([
    [[], ['a', 'b/c', 'b/d', 'ab', 'b.txt'], 'fine'],
    [['a/b'], ['a/c', 'a.b', 'ab'], 'fine'],
    [['a'], ['a'], 'There is already a file named a. Choose another name.'],
    [['a/b'], ['a'], 'There is already a folder named a. Choose another name.'],
    [['a'], ['a/b/c'], 'There is already a file named a. Choose another name.'],
    [[], ['x', 'x'], /x cannot be added beside the file x of the same request/],
    [[], ['x/y', 'x'], /x cannot be added beside the folder x of the same request/],
    [[], ['\ud800.png'], /not valid Unicode/],
  ])('%j + %j: %s', (existing, added, expected) => {
    expect(check(existing, added)).toMatch(expected);
  });
});

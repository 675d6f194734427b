import { describe, expect, it } from 'vitest';
import { partStarts, readableLine, stripEscapes, textWidth } from './log-text.ts';

describe('what a job wrote, as readable text', () => {
  it.each([
    ['plain', 'plain'],
    ['\u001b[31mred\u001b[0m and \u001b[1;38;5;12mblue\u001b[m', 'red and blue'],
    ['\u001b]0;window title\u0007text', 'text'],
    ['\u001b]8;;https://example.org\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['\u009b1mbold', 'bold'],
    ['10 %\r50 %\r100 %', '100 %'],
    ['windows line\r', 'windows line'],
    ['\u001b[2K\u001b[1Gprogress', 'progress'],
    ['a\tb', 'a       b'],
    ['日本\tb', '日本    b'],
    ['nul\u0000bell\u0007', 'nul\ufffdbell\ufffd'],
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['cut off \u001b[3', 'cut off 3'],
  ])('%j → %j', (raw, readable) => {
    expect(readableLine(raw)).toBe(readable);
  });

  it('leaves text without escapes alone', () => {
    expect(stripEscapes('[31m is not an escape')).toBe('[31m is not an escape');
  });

  it('stays fast on an unfinished string escape', () => {
    expect(stripEscapes(`\u001b]${'x'.repeat(9_000)}`)).toBe('');
  });
});

describe('breaking a line by columns', () => {
  const parts = (text: string, columns: number): readonly string[] => {
    const starts = partStarts(text, columns);
    return starts.map((start, index) => text.slice(start, starts[index + 1] ?? text.length));
  };

  it.each([
    ['', 4, ['']],
    ['abcd', 4, ['abcd']],
    ['abcde', 4, ['abcd', 'e']],
    ['日本語', 4, ['日本', '語']],
    ['a日本', 4, ['a日', '本']],
    ['🙂🙂🙂', 4, ['🙂🙂', '🙂']],
    ['日', 1, ['日']],
  ])('%j at %i', (text, columns, expected) => {
    expect(parts(text, columns)).toEqual(expected);
  });

  it('counts wide characters twice', () => {
    expect([textWidth('abc'), textWidth('日本'), textWidth('ｱ'), textWidth('é')]).toEqual([3, 4, 1, 1]);
  });
});

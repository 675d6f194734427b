import { describe, expect, test } from 'vitest';
import { formatBytes, parseBytes } from './bytes.ts';
import { fields, table } from './table.ts';
import { formatDuration, formatSpan, parseDuration } from './time.ts';

test.each([
  ['2G', 2e9],
  ['2Gi', 2 ** 31],
  ['512M', 512e6],
  ['512MiB', 512 * 2 ** 20],
  ['1.5gb', 1.5e9],
  ['1000000', 1e6],
  ['10 kB', 1e4],
  ['1T', 1e12],
  ['', null],
  ['G', null],
  ['-1G', null],
  ['2X', null],
  ['2GG', null],
  ['1e9', null],
  ['99999999T', null],
  ['1,5G', null],
])('the size %j is %j bytes', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [1_500_000, '1.5 MB'],
  [999_949, '999.9 kB'],
  [999_960, '1 MB'],
  [2e9, '2 GB'],
  [7.5e15, '7.5 PB'],
])('%d bytes are shown as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  ['90', 90],
  ['90s', 90],
  ['15m', 900],
  ['15min', 900],
  ['1.5h', 5400],
  ['1d', 86_400],
  ['', null],
  ['h', null],
  ['-1s', null],
  ['1w', null],
])('the duration %j is %j seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

test.each([
  [0, '0.0 s'],
  [1234, '1.2 s'],
  [59_960, '1 min 00 s'],
  [185_000, '3 min 05 s'],
  [7_800_000, '2 h 10 min'],
  [3_599_900, '1 h 00 min'],
  [273_600_000, '3 d 4 h'],
  [-5, '0.0 s'],
])('%d ms are shown as %s', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

test('a span goes to now while it has not ended', () => {
  expect(formatSpan(null, null, 0)).toBe('-');
  expect(formatSpan('1970-01-01T00:00:00Z', null, 2000)).toBe('2.0 s');
  expect(formatSpan('1970-01-01T00:00:00Z', '1970-01-01T00:00:01Z', 2000)).toBe('1.0 s');
});

describe('tables', () => {
  test('align wide characters, and steering characters do not get through', () => {
    expect(
      table(
        ['name', 'x'],
        [
          ['犬', 1],
          ['a\u001b[2J\nb', null],
        ],
      ),
    ).toBe('NAME     X\n犬       1\na [2J b  -');
    expect(table(['name'], [])).toBe('(none)');
  });

  test('fields leave out what is not there and indent further lines', () => {
    expect(
      fields([
        ['A', 'x'],
        ['Long', 'one\ntwo\u0007'],
        ['No', null],
        ['Empty', ''],
        ['Zero', 0],
      ]),
    ).toBe('A:    x\nLong: one\n      two \nZero: 0');
  });
});

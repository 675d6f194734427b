import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLogLines, LINE_CHARACTERS_LIMIT, type LogLines } from './log-lines.ts';
import { oneRowPerLine, rowsByWidth } from './log-rows.ts';
import { createLogSearch } from './log-search.ts';

const all = (lines: LogLines): readonly string[] => Array.from({ length: lines.end - lines.first }, (_, index) => lines.text(lines.first + index));
const limited = (lines: number, characters = 1_000_000): LogLines => createLogLines({ lines, characters });

describe('the lines of a log', () => {
  it('are the same however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '日', '\n', '\r', '\u001b[1m', '\t') })), (pieces) => {
        const whole = limited(1000);
        const cut = limited(1000);
        whole.append(pieces.join(''));
        for (const piece of pieces) cut.append(piece);
        expect(all(cut)).toEqual(all(whole));
      }),
    );
  });

  it('show the unfinished last line and let it grow', () => {
    const lines = limited(10);
    lines.append('one\ntw');
    expect(all(lines)).toEqual(['one', 'tw']);
    lines.append('o\n');
    expect(all(lines)).toEqual(['one', 'two']);
    expect(lines.end).toBe(2);
  });

  it('give way at the front by count, keeping their numbers', () => {
    const lines = limited(3);
    lines.append('0\n1\n2\n3\n4\n');
    expect([lines.first, lines.end, all(lines)]).toEqual([2, 5, ['2', '3', '4']]);
    expect(lines.text(0)).toBe('');
  });

  it('give way by size', () => {
    const lines = limited(100, 10);
    lines.append('aaaaaaaa\nbbbbbbbb\n');
    expect(all(lines)).toEqual(['bbbbbbbb']);
  });

  it('are broken when too long, finished or not', () => {
    const lines = limited(10);
    lines.append('x'.repeat(LINE_CHARACTERS_LIMIT + 5));
    lines.append('yy\nz');
    expect(all(lines).map((line) => line.length)).toEqual([LINE_CHARACTERS_LIMIT, 7, 1]);
  });

  it('hold a million', () => {
    const lines = createLogLines();
    const block = Array.from({ length: 10_000 }, (_, index) => `epoch ${index} loss 0.1\n`).join('');
    for (let turn = 0; turn < 101; turn += 1) lines.append(block);
    expect([lines.first, lines.end, lines.text(lines.end - 1)]).toEqual([10_000, 1_010_000, 'epoch 9999 loss 0.1']);
  });
});

describe('rows', () => {
  it('agree with the lines joined again, whatever was appended and dropped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '日', '\n') }), { maxLength: 30 }),
        fc.integer({ min: 2, max: 7 }),
        (pieces, columns) => {
          const lines = limited(6);
          const rows = rowsByWidth(lines, columns);
          let shown = 0;
          for (const piece of pieces) {
            lines.append(piece);
            const gone = rows.sync();
            expect(gone).toBeGreaterThanOrEqual(0);
            shown = rows.count;
            const fresh = rowsByWidth(lines, columns);
            expect(shown).toBe(fresh.count);
            const joined = new Map<number, string>();
            for (let row = 0; row < shown; row += 1) {
              const { line, text, from } = rows.row(row);
              expect(lines.text(line).startsWith(text, from)).toBe(true);
              joined.set(line, (joined.get(line) ?? '') + text);
            }
            expect([...joined.values()]).toEqual(all(lines));
            for (let line = lines.first; line < lines.end; line += 1) expect(rows.row(rows.firstRowOf(line))).toMatchObject({ line, from: 0 });
          }
        },
      ),
    );
  });

  it('tell how many disappeared at the front', () => {
    const lines = limited(2);
    const plain = oneRowPerLine(lines);
    const wrapped = rowsByWidth(lines, 2);
    lines.append('aaaa\nb\n');
    expect([plain.sync(), wrapped.sync()]).toEqual([0, 0]);
    lines.append('c\n');
    expect([plain.sync(), wrapped.sync()]).toEqual([1, 2]);
  });
});

describe('search', () => {
  it('finds in either case, goes on with new lines and looks again at a line that grows', () => {
    const lines = limited(100);
    lines.append('Loss 1\nother\nlo');
    const search = createLogSearch(lines, 'loss');
    expect(search.advance(10)).toBe(false);
    expect(search.hits).toEqual([0]);
    lines.append('ss 2\nLOSS 3\n');
    search.advance(10);
    expect(search.hits).toEqual([0, 2, 3]);
  });

  it('works in slices', () => {
    const lines = limited(100);
    lines.append('x\n'.repeat(10));
    const search = createLogSearch(lines, 'x');
    expect([search.advance(4), search.hits.length, search.advance(4), search.hits.length, search.advance(4), search.hits.length]).toEqual([
      true,
      4,
      true,
      8,
      false,
      10,
    ]);
  });

  it('takes the text as it is', () => {
    const lines = limited(10);
    lines.append('a.b\naxb\n(');
    const search = createLogSearch(lines, 'a.b');
    search.advance(10);
    expect(search.hits).toEqual([0]);
    expect(search.ranges('a.b A.B')).toEqual([
      [0, 3],
      [4, 7],
    ]);
    expect(() => createLogSearch(lines, '([{*').advance(10)).not.toThrow();
  });
});

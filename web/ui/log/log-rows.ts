import type { LogLines } from './log-lines.ts';
import { partCount, partStarts } from './log-text.ts';

/** How lines become rows of equal height: one each, or as many as a width of `columns` needs. */
export interface LogRows {
  readonly count: number;
  /** Takes in what the lines gained and lost since the last call; answers how many rows disappeared at the front. */
  sync(): number;
  /** Line and text of a row, 0 being the first that is held. */
  row(row: number): { readonly line: number; readonly from: number; readonly text: string };
  firstRowOf(line: number): number;
}

export function oneRowPerLine(lines: LogLines): LogRows {
  let first = lines.first;
  let end = lines.end;
  return {
    get count() {
      return end - first;
    },
    sync() {
      const gone = lines.first - first;
      first = lines.first;
      end = lines.end;
      return gone;
    },
    row: (row) => ({ line: first + row, from: 0, text: lines.text(first + row) }),
    firstRowOf: (line) => Math.max(0, line - first),
  };
}

export function rowsByWidth(lines: LogLines, columns: number): LogRows {
  /** `starts[i]` = rows before line `base + i`, counted from `base`; one more entry than lines. */
  let starts: number[] = [0];
  let base = lines.first;
  let first = base;

  const before = (line: number): number => starts[line - base] ?? 0;
  const sync = (): number => {
    const gone = lines.first >= base + starts.length - 1 ? total() - before(first) : before(lines.first) - before(first);
    if (lines.first >= base + starts.length - 1) {
      starts = [0];
      base = lines.first;
    } else {
      // The last line known may have grown since.
      if (starts.length > 1) starts.pop();
      if (lines.first - base > starts.length / 2) {
        starts = starts.slice(lines.first - base);
        base = lines.first;
      }
    }
    first = lines.first;
    for (let line = base + starts.length - 1; line < lines.end; line += 1) {
      starts.push(total() + partCount(lines.text(line), columns));
    }
    return gone;
  };
  const total = (): number => starts.at(-1) ?? 0;
  const lineAt = (absoluteRow: number): number => {
    let low = first - base;
    let high = starts.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= absoluteRow) low = middle;
      else high = middle - 1;
    }
    return base + low;
  };

  sync();
  return {
    get count() {
      return total() - before(first);
    },
    sync,
    row(row) {
      const absolute = before(first) + row;
      const line = lineAt(absolute);
      const text = lines.text(line);
      const parts = partStarts(text, columns);
      const part = absolute - before(line);
      const from = parts[part] ?? text.length;
      return { line, from, text: text.slice(from, parts[part + 1] ?? text.length) };
    },
    firstRowOf: (line) => (line <= first ? 0 : before(line) - before(first)),
  };
}

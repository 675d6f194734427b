import type { LogLines } from './log-lines.ts';

/** More hits than this are not counted; nobody steps through them. */
export const LOG_HITS_LIMIT = 20_000;

/** A search that goes on as lines arrive. Letters match in either case. */
export interface LogSearch {
  /** Lines that match, ascending. */
  readonly hits: readonly number[];
  /** Looks at up to `budget` more lines; answers whether some are left. A million lines in one go would block for 0.2 s. */
  advance(budget: number): boolean;
  /** Where the text matches: pairs of start and end. */
  ranges(text: string): readonly (readonly [number, number])[];
}

export function createLogSearch(lines: LogLines, wanted: string): LogSearch {
  const pattern = new RegExp(wanted.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');
  let hits: number[] = [];
  let next = lines.first;
  const look = (line: number): void => {
    pattern.lastIndex = 0;
    if (pattern.test(lines.text(line)) && hits.at(-1) !== line) hits.push(line);
  };
  return {
    get hits() {
      return hits;
    },
    advance(budget) {
      if ((hits[0] ?? lines.first) < lines.first) hits = hits.filter((line) => line >= lines.first);
      next = Math.max(next, lines.first);
      const last = lines.end - 1;
      const stop = Math.min(last, next + budget);
      for (; next < stop && hits.length < LOG_HITS_LIMIT; next += 1) look(next);
      if (hits.length >= LOG_HITS_LIMIT) return false;
      if (next < last) return true;
      // The last line may still grow: it is looked at now and again next time.
      if (last >= lines.first) look(last);
      return false;
    },
    ranges: (text) => [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length] as const),
  };
}

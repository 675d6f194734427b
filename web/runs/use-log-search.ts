import { useEffect, useMemo, useState } from 'react';
import type { LogLines } from '../ui/log/log-lines.ts';
import { createLogSearch, type LogSearch } from '../ui/log/log-search.ts';

/** Lines looked at before the page may draw again: 5 to 10 ms. */
const LINES_PER_TURN = 50_000;

/** The search for a text in a log that may still grow; `version` changes with the log. */
export function useLogSearch(lines: LogLines, version: number, wanted: string): { readonly search: LogSearch | null; readonly hits: readonly number[] } {
  const search = useMemo(() => (wanted === '' ? null : createLogSearch(lines, wanted)), [lines, wanted]);
  const [hits, setHits] = useState<readonly number[]>([]);
  useEffect(() => {
    if (search === null) {
      setHits([]);
      return undefined;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const work = (): void => {
      const more = search.advance(LINES_PER_TURN);
      setHits((before) => (before.length === search.hits.length && before[0] === search.hits[0] && before.at(-1) === search.hits.at(-1) ? before : [...search.hits]));
      if (more) timer = setTimeout(work, 0);
    };
    work();
    return () => clearTimeout(timer);
  }, [search, version]);
  return { search, hits };
}

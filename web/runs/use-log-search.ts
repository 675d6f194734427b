import { useEffect, useMemo, useState } from 'react';
import type { LogLines } from '../ui/log/log-lines.ts';
import { createLogSearch, type LogSearch } from '../ui/log/log-search.ts';

/** Lines looked at before the page may draw again: 5 to 10 ms. */
const LINES_PER_TURN = 50_000;
const NO_HITS: readonly number[] = [];

/** The search for a text in a log that may still grow; `version` changes with the log. */
export function useLogSearch(lines: LogLines, version: number, wanted: string): { readonly search: LogSearch | null; readonly hits: readonly number[] } {
  const search = useMemo(() => (wanted === '' ? null : createLogSearch(lines, wanted)), [lines, wanted]);
  const [found, setFound] = useState<{ readonly by: LogSearch | null; readonly hits: readonly number[] }>({ by: null, hits: NO_HITS });
  useEffect(() => {
    if (search === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const work = (): void => {
      const more = search.advance(LINES_PER_TURN);
      setFound((before) => {
        const same =
          before.by === search && before.hits.length === search.hits.length && before.hits[0] === search.hits[0] && before.hits.at(-1) === search.hits.at(-1);
        return same ? before : { by: search, hits: [...search.hits] };
      });
      if (more) timer = setTimeout(work, 0);
    };
    work();
    return () => clearTimeout(timer);
  }, [search, version]);
  // What an earlier search found is not an answer to this one.
  return { search, hits: found.by === search ? found.hits : NO_HITS };
}

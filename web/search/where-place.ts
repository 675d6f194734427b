export interface Place {
  readonly before: string;
  /** Empty where something is missing at the end. */
  readonly place: string;
  readonly behind: string;
}

/** Cuts a search where an error points: from character `at`, counted from 1, to the end of the word that begins there. */
export function wherePlace(search: string, at: number): Place {
  const begin = Math.max(0, Math.min(search.length, at - 1));
  const length = /^(?:[^\s]+|\s)/.exec(search.slice(begin))?.[0].length ?? 0;
  return { before: search.slice(0, begin), place: search.slice(begin, begin + length), behind: search.slice(begin + length) };
}

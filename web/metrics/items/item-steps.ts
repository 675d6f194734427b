/* Things that a run wrote at some steps, looked at by step. Pure. */

interface AtStep {
  readonly step: number;
}

/** The steps at which any of several lists has something, each once, in order. */
export const stepsOf = (lists: readonly (readonly AtStep[])[]): readonly number[] =>
  [...new Set(lists.flatMap((list) => list.map(({ step }) => step)))].sort((a, b) => a - b);

/** What was there at a step: the latest written at or before it. Steps may come in any order; of equal ones the later counts. */
export function itemAt<Item extends AtStep>(items: readonly Item[], step: number): Item | null {
  let found: Item | null = null;
  for (const item of items) if (item.step <= step && (found === null || item.step >= found.step)) found = item;
  return found;
}

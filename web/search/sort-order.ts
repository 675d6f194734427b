/** Lists come newest first where nothing is said. */
const UNSAID = '-created';

/** How a list is sorted by a column; `none` where it is sorted by another. */
export const isSorted = (sort: string = UNSAID, column: string): 'ascending' | 'descending' | 'none' =>
  sort === column ? 'ascending' : sort === `-${column}` ? 'descending' : 'none';

/** What pressing a column's head asks for: one direction, the other, then the order as it was. */
export function nextSort(sort: string | undefined, column: string, descendingFirst: boolean): string | undefined {
  const [first, second] = descendingFirst ? [`-${column}`, column] : [column, `-${column}`];
  const now = sort ?? UNSAID;
  const next = now === first ? second : now === second ? (column === 'created' ? first : undefined) : first;
  return next === UNSAID ? undefined : next;
}

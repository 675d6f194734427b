/** An error names this many and counts the rest. */
const NAMED_LIMIT = 5;

/** `data sets #3, #4`; more than a few are counted. */
export function namesOf(thing: string, names: readonly string[]): string {
  const more = names.length - NAMED_LIMIT;
  return `${thing}${names.length === 1 ? '' : 's'} ${names.slice(0, NAMED_LIMIT).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

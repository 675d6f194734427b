/**
 * What is chosen after a click on a row: that row, or with Shift everything from the row clicked before, becomes what the
 * clicked row becomes.
 */
export function chooseRows(ids: readonly string[], chosen: ReadonlySet<string>, clicked: string, before: string | null, range: boolean): ReadonlySet<string> {
  const at = ids.indexOf(clicked);
  const from = range && before !== null ? ids.indexOf(before) : -1;
  const touched = from < 0 ? [clicked] : ids.slice(Math.min(from, at), Math.max(from, at) + 1);
  const next = new Set(chosen);
  const choose = !chosen.has(clicked);
  for (const id of touched) {
    if (choose) next.add(id);
    else next.delete(id);
  }
  return next;
}

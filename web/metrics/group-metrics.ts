/* Where the charts of a run go. Pure. */

export interface MetricGroup {
  /** What stands before the first `/`; empty for those without one. */
  readonly name: string;
  readonly metrics: readonly string[];
}

export type GridRow =
  | { readonly kind: 'group'; readonly group: MetricGroup; readonly open: boolean }
  | { readonly kind: 'charts'; readonly group: string; readonly metrics: readonly string[] };

const groupOf = (metric: string): string => (metric.indexOf('/') > 0 ? metric.slice(0, metric.indexOf('/')) : '');

/** Every word must be in the name, wherever; letters in any case. */
export function findMetrics(metrics: readonly string[], text: string): readonly string[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.length === 0 ? metrics : metrics.filter((metric) => words.every((word) => metric.toLowerCase().includes(word)));
}

/** Those without a group come first; the others in the order of the names. */
export function groupMetrics(metrics: readonly string[]): readonly MetricGroup[] {
  const groups = new Map<string, string[]>();
  for (const metric of metrics) {
    const name = groupOf(metric);
    const members = groups.get(name);
    if (members === undefined) groups.set(name, [metric]);
    else members.push(metric);
  }
  return [...groups].map(([name, members]) => ({ name, metrics: members })).sort((a, b) => Number(a.name !== '') - Number(b.name !== ''));
}

/** A heading for each group and, below those that are open, charts side by side. One group alone needs no heading. */
export function gridRows(groups: readonly MetricGroup[], closed: ReadonlySet<string>, columns: number): readonly GridRow[] {
  const rows: GridRow[] = [];
  for (const group of groups) {
    const open = groups.length === 1 || !closed.has(group.name);
    if (groups.length > 1) rows.push({ kind: 'group', group, open });
    if (!open) continue;
    for (let at = 0; at < group.metrics.length; at += columns) {
      rows.push({ kind: 'charts', group: group.name, metrics: group.metrics.slice(at, at + columns) });
    }
  }
  return rows;
}

/** One line of the table: what was measured beside its budget. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  /** Empty for what only explains the lines around it. */
  readonly budget: string;
  /** Of the budget, so that up to 1 holds; null without a budget. */
  readonly ratio: number | null;
}

export const explain = (what: string, measured: string): Figure => ({ what, measured, budget: '', ratio: null });

export const atMost = (what: string, value: number, limit: number, unit: string): Figure => ({
  what,
  measured: `${rounded(value)} ${unit}`,
  budget: `≤ ${rounded(limit)} ${unit}`,
  ratio: value / limit,
});

export const atLeast = (what: string, value: number, limit: number, unit: string): Figure => ({
  what,
  measured: `${rounded(value)} ${unit}`,
  budget: `≥ ${rounded(limit)} ${unit}`,
  ratio: limit / value,
});

export const holds = ({ ratio }: Figure): boolean | null => (ratio === null ? null : ratio <= 1);

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export const rounded = (value: number): string => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

import type { MetricNumber } from '@sodate/contract/metric-number.ts';
import { perLanguage } from '../kit/per-language.ts';

const digits = (maximumSignificantDigits: number) => perLanguage((language) => new Intl.NumberFormat(language, { maximumSignificantDigits }));
const [few, many] = [digits(5), digits(9)];

/** Five digits that matter; very large and very small ones with a power of ten. */
export function formatMetric(value: MetricNumber, language: string): string {
  const number = Number(value);
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? '∞' : '−∞';
  const size = Math.abs(number);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return Number(number.toPrecision(4)).toExponential();
  return (size >= 1e5 ? many : few)(language).format(number);
}

export interface Extremes {
  /** Columns with the least, and with the greatest value; empty where all that are there are equal. */
  readonly least: ReadonlySet<number>;
  readonly greatest: ReadonlySet<number>;
  /** Not all the same, or not all there. */
  readonly differs: boolean;
}

export function compareNumbers(values: readonly (MetricNumber | null)[]): Extremes {
  const numbers = values.map((value) => (value === null ? Number.NaN : Number(value)));
  const known = numbers.filter((number) => !Number.isNaN(number));
  const least = Math.min(...known);
  const greatest = Math.max(...known);
  const where = (extreme: number): ReadonlySet<number> =>
    new Set(least === greatest ? [] : numbers.flatMap((number, index) => (number === extreme ? [index] : [])));
  return { least: where(least), greatest: where(greatest), differs: new Set(values).size > 1 };
}

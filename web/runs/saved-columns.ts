import { METRIC_COLUMNS_LIMIT } from '../metrics/read-metric-columns.ts';
import { RUN_COLUMNS, type RunColumn } from './run-column-names.ts';

/* The columns of the list of runs as a saved search keeps them. Pure. */

/** The two that the command line calls otherwise; the rest are called the same. */
const WORDS: Readonly<Partial<Record<RunColumn, string>>> = { exitCode: 'exit', createdBy: 'by' };
/** What the list always shows stands first, so that a choice of no other column is one, too. */
const ALWAYS = ['name', 'state'];
/** The contract's. */
const WORD_LENGTH = 200;

export interface ShownColumns {
  readonly columns: readonly RunColumn[];
  readonly metrics: readonly string[];
}

const wordOf = (column: RunColumn): string => WORDS[column] ?? column;
/** A word has neither commas nor control characters. */
const writeName = (name: string): string => name.replaceAll(/[%,\u0000-\u001f]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

function readName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A metric whose name is too long for a word is left out. */
export const writeColumns = ({ columns, metrics }: ShownColumns): readonly string[] =>
  [...ALWAYS, ...columns.map(wordOf), ...metrics.map((name) => `metric.${writeName(name)}`)].filter((word) => word.length <= WORD_LENGTH);

/** @returns null for a search that was saved without columns: then those stay that are shown */
export function readColumns(words: readonly string[]): ShownColumns | null {
  if (words.length === 0) return null;
  return {
    columns: RUN_COLUMNS.filter((column) => words.includes(wordOf(column))),
    metrics: words.flatMap((word) => (word.startsWith('metric.') ? [readName(word.slice('metric.'.length))] : [])).slice(0, METRIC_COLUMNS_LIMIT),
  };
}

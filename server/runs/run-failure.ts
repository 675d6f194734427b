import { FailureClass } from '@sodate/contract/failures.ts';
import { runText, RunWords, runWords } from '@sodate/contract/run-words.ts';

/** Why an attempt or a run failed. */
export interface RunFailure {
  readonly class: FailureClass;
  readonly words: RunWords;
}

/** As `runs` and `attempts` keep it. */
export interface FailureRow {
  readonly failure_class: string | null;
  readonly failure_message: string | null;
  readonly failure_words: unknown;
}

export type FailureColumn = keyof FailureRow;

/** As a row: what is said, in English beside its code, for whoever reads no codes. */
export function failureRow(failure: RunFailure | null): FailureRow {
  if (failure === null) return { failure_class: null, failure_message: null, failure_words: null };
  return { failure_class: failure.class, failure_message: runText(failure.words), failure_words: failure.words };
}

/** What was written before texts had codes is said in its own words. */
export function readFailure(row: FailureRow): RunFailure | null {
  if (row.failure_class === null) return null;
  const words = RunWords.safeParse(row.failure_words);
  return { class: FailureClass.parse(row.failure_class), words: words.success ? words.data : runWords('as-written', { text: row.failure_message ?? '' }) };
}

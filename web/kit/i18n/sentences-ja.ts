import type { FailureClass } from '@sodate/contract/failures.ts';
import type { RunWords } from '@sodate/contract/run-words.ts';
import type { SodateError } from '@sodate/contract/errors.ts';
import { ERRORS_JA, FAILURE_ADVICE_JA } from './errors-ja.ts';
import { fillJapanese } from './fill-japanese.ts';
import { RUN_WORDS_JA } from './run-words-ja.ts';
import { valueInJapanese } from './words-ja.ts';

/* What the server says in codes, as Japanese sentences. Fetched by those who read Japanese, after the page itself. */

/** @returns null for a code that a newer server has and we do not */
export function errorInJapanese({ code, params, things }: Pick<SodateError, 'params' | 'things'> & { readonly code: string }): string | null {
  const text = ownText(ERRORS_JA, code);
  return text === null ? null : fillJapanese(text, (name) => valueInJapanese(name, params, things));
}

/** What is said of a run. @returns null for a code that a newer server has and we do not */
export function runWordsInJapanese({ code, params }: RunWords): string | null {
  const text = ownText(RUN_WORDS_JA, code);
  if (text === null) return errorInJapanese({ code, params, things: [] });
  return fillJapanese(text, (name) => (params[name] === undefined ? null : { text: String(params[name]), joins: false }));
}

export const adviceInJapanese = (failure: FailureClass): string => FAILURE_ADVICE_JA[failure];

const ownText = (texts: Readonly<Record<string, string>>, code: string): string | null => (Object.hasOwn(texts, code) ? (texts[code] ?? null) : null);

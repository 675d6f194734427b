import type { FailureClass } from '@sodate/contract/failures.ts';
import type { RunWords } from '@sodate/contract/run-words.ts';
import type { ErrorParams, SodateError } from '@sodate/contract/errors.ts';
import { ERRORS_JA, FAILURE_ADVICE_JA } from './errors-ja.ts';
import { fillJapanese } from './fill-japanese.ts';
import { RUN_WORDS_JA } from './run-words-ja.ts';
import { valueInJapanese } from './words-ja.ts';

/* What the server says in codes, as Japanese sentences. Fetched by those who read Japanese, after the page itself. */

/** @returns null for a code that a newer server has and we do not, and where values are missing: then the server's own text says more */
export function errorInJapanese({ code, params, things }: Pick<SodateError, 'params' | 'things'> & { readonly code: string }): string | null {
  const text = ownText(ERRORS_JA, code);
  return text === null || !hasValues(text, params) ? null : fillJapanese(text, (name) => valueInJapanese(name, params, things));
}

/** What is said of a run. @returns null as above */
export function runWordsInJapanese({ code, params }: RunWords): string | null {
  const text = ownText(RUN_WORDS_JA, code);
  if (text === null) return errorInJapanese({ code, params, things: [] });
  return hasValues(text, params) ? fillJapanese(text, (name) => ({ text: String(params[name]), joins: false })) : null;
}

const hasValues = (text: string, params: ErrorParams): boolean => [...text.matchAll(/\{(\w+)\}/g)].every(([, name = '']) => params[name] !== undefined);

export const adviceInJapanese = (failure: FailureClass): string => FAILURE_ADVICE_JA[failure];

const ownText = (texts: Readonly<Record<string, string>>, code: string): string | null => (Object.hasOwn(texts, code) ? (texts[code] ?? null) : null);

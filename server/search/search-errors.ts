import { type ProblemParts, problemText, type SearchProblem } from '#search/search-problems.ts';
import { SodateError } from '@sodate/contract/errors.ts';

const SHOWN_CHARACTERS = 20;

/** Points at the character, counted from 1, shows what stands there, and says what is wrong: as a sentence, and as a code with its parts. */
export function notUnderstood(search: string, at: number, why: SearchProblem, parts: ProblemParts = {}): SodateError {
  const rest = search.slice(at);
  const near = rest === '' ? 'the end' : `${rest.slice(0, SHOWN_CHARACTERS).replace(/[\ud800-\udbff]$/, '')}${rest.length > SHOWN_CHARACTERS ? '…' : ''}`;
  return new SodateError('search-not-understood', { ...parts, at: at + 1, near, problem: problemText(why, parts), why });
}

import { SodateError } from '@sodate/contract/errors.ts';

const SHOWN_CHARACTERS = 20;

/** Points at the character, counted from 1, and shows what stands there. `problem` is a sentence. */
export function notUnderstood(search: string, at: number, problem: string): SodateError {
  const rest = search.slice(at);
  const near = rest === '' ? 'the end' : `${rest.slice(0, SHOWN_CHARACTERS).replace(/[\ud800-\udbff]$/, '')}${rest.length > SHOWN_CHARACTERS ? '…' : ''}`;
  return new SodateError('search-not-understood', { at: at + 1, near, problem });
}

import { SodateError } from '@sodate/contract/errors.ts';

/** MLflow's pages are counted: a token says how many rows come before. */
export const writePageToken = (offset: number): string => Buffer.from(JSON.stringify({ offset })).toString('base64');

/** @throws SodateError `invalid-request` for what no list gave out */
export function readPageToken(token: string | null | undefined): number {
  if (token === null || token === undefined || token === '') return 0;
  try {
    const read: unknown = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
    const offset = typeof read === 'object' && read !== null && 'offset' in read ? read.offset : undefined;
    if (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0) return offset;
  } catch {
    // Said below, as of one that reads as something else.
  }
  throw new SodateError('invalid-request', { details: 'Invalid page token. Start again without one' });
}

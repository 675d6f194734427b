import { SodateError } from '@sodate/contract/errors.ts';

/** @throws SodateError `invalid-cursor` */
export function readPageNumber(cursor: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(cursor)) throw new SodateError('invalid-cursor');
  return Number(cursor);
}

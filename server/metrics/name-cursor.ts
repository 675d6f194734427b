import { SodateError } from '@sodate/contract/errors.ts';
import { z } from 'zod';

/** Where a list of series by name goes on: after the one of this id. A name would make a cursor of any length. */
const EncodedKey = z.tuple([z.number().int().min(0)]);

export const encodeNameCursor = ({ id }: { readonly id: number }): string => Buffer.from(JSON.stringify([id])).toString('base64url');

export function decodeNameCursor(cursor: string | undefined): number | null {
  if (cursor === undefined) return null;
  try {
    const [id] = EncodedKey.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return id;
  } catch (error) {
    throw new SodateError('invalid-cursor', {}, { cause: error });
  }
}

import { EXACT_TOTAL_LIMIT } from '@sodate/contract/paging.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { type SelectQueryBuilder, sql } from 'kysely';
import { z } from 'zod';

/** Where a list that goes newest first continues: after this row. */
interface PageKey {
  readonly at: Date;
  readonly id: string;
}

const EncodedKey = z.tuple([z.iso.datetime(), z.uuid()]);

const encodeCursor = (key: PageKey): string => Buffer.from(JSON.stringify([key.at.toISOString(), key.id])).toString('base64url');

export function decodeCursor(cursor: string | undefined): PageKey | null {
  if (cursor === undefined) return null;
  try {
    const [at, id] = EncodedKey.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { at: new Date(at), id };
  } catch (error) {
    throw new SodateError('invalid-cursor', {}, { cause: error });
  }
}

/**
 * One page of rows that were asked for with `limit + 1`, newest first by (created_at, id): the surplus row says that
 * there is more. Instants are stored in whole milliseconds, so a cursor loses nothing.
 */
export function cutPage<Row extends { created_at: Date; id: string }>(
  rows: readonly Row[],
  limit: number,
): { readonly rows: readonly Row[]; readonly nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, nextCursor: rows.length > limit && last ? encodeCursor({ at: last.created_at, id: last.id }) : null };
}

/** Counts the rows of a filtered query, but never more than the exact limit and one: a list of millions costs no more. */
// oxlint-disable-next-line typescript/no-explicit-any -- counts the rows of any query, whatever its tables
export async function boundedTotal(query: SelectQueryBuilder<any, any, any>): Promise<{ count: number; exact: boolean }> {
  const counted = await query
    .clearSelect()
    .clearOrderBy()
    .clearLimit()
    .select(sql<number>`1`.as('one'))
    .limit(EXACT_TOTAL_LIMIT + 1)
    .execute();
  return { count: Math.min(counted.length, EXACT_TOTAL_LIMIT), exact: counted.length <= EXACT_TOTAL_LIMIT };
}

/** For `ilike`: the text itself, with the pattern characters taken literally. */
export const containing = (text: string): string => `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;

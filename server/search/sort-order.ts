import type { Asking, Condition } from '#search/search-fields.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';

/** What a list can be sorted by. */
export interface SortColumn {
  readonly value: RawBuilder<unknown>;
  /** A cursor's text as a value again. */
  readonly typed: (text: string | null) => RawBuilder<unknown>;
  /** For values that are not there for everything: who has none. Those come last, whatever the direction. */
  readonly without?: (asking: Asking) => Condition;
  /** `table on …`, where the value is another table's, and the column there that has the thing's id. */
  readonly join?: (asking: Asking) => RawBuilder<unknown>;
  readonly id?: RawBuilder<string>;
  /** Things stand in the table about in this order, since they were written in it: the next thousand are neighbours on the disk. */
  readonly asWritten?: true;
}

export interface SortOrder {
  readonly name: string;
  readonly column: SortColumn;
  readonly descending: boolean;
}

export const instantColumn = (value: RawBuilder<unknown>): SortColumn => ({
  value,
  typed: (text) => sql`${text}::timestamptz`,
});

export const numberColumn = (value: RawBuilder<unknown>): SortColumn => ({
  value,
  typed: (text) => sql`${text}::bigint`,
});

export const decimalColumn = (value: RawBuilder<unknown>): SortColumn => ({ value, typed: (text) => sql`${text}::double precision` });

export const textColumn = (value: RawBuilder<unknown>): SortColumn => ({ value, typed: (text) => sql`${text}::text` });

/** A length of time, which the database writes as a text of its own. */
export const durationColumn = (value: RawBuilder<unknown>): SortColumn => ({
  value,
  typed: (text) => sql`${text}::interval`,
});

export const asWritten = (column: SortColumn): SortColumn => ({ ...column, asWritten: true });

export const nullable = (column: SortColumn): SortColumn => ({ ...column, without: () => sql`${column.value} is null` });

export const NEWEST_FIRST = '-created';

/**
 * `name` or `-name`, which is from the largest down.
 * @param columnOf null for a name that the list does not know
 * @throws SodateError `invalid-request` naming `known`
 */
export function readSort(sort: string | undefined, known: readonly string[], columnOf: (name: string) => SortColumn | null): SortOrder {
  const text = sort ?? NEWEST_FIRST;
  const name = text.replace(/^-/, '');
  const column = columnOf(name);
  if (column === null) throw new SodateError('invalid-request', { details: `query.sort: there is no column ${name} here; known: ${known.join(', ')}` });
  return { name, column, descending: text.startsWith('-') };
}

const Cursor = z.tuple([z.string(), z.string().nullable(), z.uuid()]);

const written = ({ name, descending }: SortOrder): string => `${descending ? '-' : ''}${name}`;

export const writeCursor = (sort: SortOrder, last: { readonly id: string; readonly key: string | null }): string =>
  Buffer.from(JSON.stringify([written(sort), last.key, last.id])).toString('base64url');

/** @throws SodateError `invalid-cursor`, also for one of another order: the row it names stands elsewhere in this one */
export function readCursor(sort: SortOrder, cursor: string | undefined): { readonly key: string | null; readonly id: string } | null {
  if (cursor === undefined) return null;
  try {
    const [order, key, id] = Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (order !== written(sort) || (key === null && sort.column.without === undefined)) throw new Error('of another list');
    return { key, id };
  } catch (error) {
    throw new SodateError('invalid-cursor', {}, { cause: error });
  }
}

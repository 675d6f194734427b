import { z } from 'zod';

/** Query parameters of every list. A list goes by key, newest first; `cursor` comes from the page before. */
export const PageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(512).optional(),
});

/** Totals of whole lists are exact up to this many; beyond it they say "10,000 or more". */
export const EXACT_TOTAL_LIMIT = 10_000;

/** The same for what a search or a filter finds: counting that means finding it all, one by one, in a table of any size. */
export const EXACT_FOUND_LIMIT = 1_000;

export const Total = z.object({ count: z.number().int(), exact: z.boolean() });

export const pageOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), nextCursor: z.string().nullable(), total: Total });

/** A repeatable query parameter: one value or several. */
export const repeated = <Item extends z.ZodType>(item: Item) =>
  z
    .union([item, z.array(item)])
    .transform((value) => (Array.isArray(value) ? value : [value]))
    .optional();

/** The same where at least one is needed, and at most so many. */
export const oneOrMore = <Item extends z.ZodType>(item: Item, most: number) =>
  z.union([item, z.array(item).min(1).max(most)]).transform((value): z.output<Item>[] => (Array.isArray(value) ? value : [value]));

/** Things whose files are fetched as one archive; their references must fit into an address. */
export const ARCHIVED_THINGS_LIMIT = 200;

/** Text search by substring; the index behind it works from three characters. */
export const SearchText = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\u0000]*$/, 'must not contain NUL')
  .optional();

export const Instant = z.iso.datetime({ offset: true }).describe('RFC 3339, UTC');

/** Who did something, as shown. */
export const Person = z.object({ id: z.uuid(), name: z.string(), displayName: z.string() });

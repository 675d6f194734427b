import { isUnreadableValue } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { orTooSlow, SEARCH_SECONDS_LIMIT } from '#kit/db/open-searches.ts';
import type { Asking, Condition } from '#search/search-fields.ts';
import { readCursor, type SortOrder, writeCursor } from '#search/sort-order.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { EXACT_FOUND_LIMIT, EXACT_TOTAL_LIMIT } from '@sodate/contract/paging.ts';
import { type RawBuilder, sql } from 'kysely';

/** How far an order's index is walked in the hope of a page: 6 to 20 ms of a million rows that are in memory, where neighbours stand together and where they do not. */
const NEAR = { asWritten: 20_000, elsewhere: 8_000 };

/** As many are sorted by us rather than found by walking on: some 20 ms where they are in memory, 70 where not. */
const SORTED_LIMIT = 10_000;

export type ListedTable = 'data' | 'datasets' | 'runs';

export interface FoundPage {
  /** In the order asked for. */
  readonly ids: readonly string[];
  readonly nextCursor: string | null;
  readonly total: { readonly count: number; readonly exact: boolean };
}

interface FoundRow {
  readonly id: string;
  readonly key: string | null;
}

interface PageAsk {
  readonly table: ListedTable;
  readonly conditions: readonly Condition[];
  readonly sort: SortOrder;
  readonly limit: number;
  readonly cursor: string | undefined;
}

/**
 * A page of a list. It costs about the same however long the list is:
 *
 * - Without conditions the index of the order is walked from the cursor on.
 * - With conditions all that meet them are gathered first, in whatever way the database finds them quickest, up to the
 *   number to which totals are exact. Mostly that is all of them, and they are sorted.
 * - Otherwise they are many, so a page of them is mostly met soon where the order's index goes on from the cursor.
 * - Where it is not, they are few for so large a table, or stand elsewhere in it: more of them are gathered and sorted. Only
 *   if even those are not all is the index walked until a page is full.
 *
 * A database left to choose would walk the order's index also for a search that three rows in a million meet.
 * @throws SodateError `invalid-cursor`, `search-too-slow`
 */
export async function findPage(db: Database, asking: Asking, ask: PageAsk): Promise<FoundPage> {
  try {
    return await orTooSlow(findRows(db, asking, ask, readCursor(ask.sort, ask.cursor)));
  } catch (error) {
    // All other values were read before they came here.
    if (isUnreadableValue(error) && ask.cursor !== undefined) throw new SodateError('invalid-cursor', {}, { cause: error });
    throw error;
  }
}

type After = ReturnType<typeof readCursor>;

async function findRows(db: Database, asking: Asking, ask: PageAsk, after: After): Promise<FoundPage> {
  if (ask.conditions.length === 0) {
    const [rows, total] = await Promise.all([walk(db, asking, ask, after), countAll(db, asking, ask)]);
    return toPage(rows, ask, total);
  }
  return db.transaction().execute(async (tx) => {
    // Planned anew each time: a plan for any text whatever would be one for texts that are in everything.
    await sql`select set_config('statement_timeout', ${String(SEARCH_SECONDS_LIMIT * 1000)}, true), set_config('plan_cache_mode', 'force_custom_plan', true)`.execute(
      tx,
    );
    const few = await gather(tx, asking, ask, after, EXACT_FOUND_LIMIT);
    const total = toTotal(few.count, EXACT_FOUND_LIMIT);
    return toPage(total.exact ? few.rows : await findAmongMany(tx, asking, ask, after), ask, total);
  });
}

async function findAmongMany(tx: Database, asking: Asking, ask: PageAsk, after: After): Promise<readonly FoundRow[]> {
  const near = await walkNear(tx, asking, ask, after);
  if (near.length === rowsOf(ask)) return near;
  const more = await gather(tx, asking, ask, after, SORTED_LIMIT);
  return more.count <= SORTED_LIMIT ? more.rows : walk(tx, asking, ask, after);
}

/** Counted there: ten thousand rows that are sent to be counted here cost more than all the rest of a page. */
async function countAll(db: Database, asking: Asking, ask: PageAsk): Promise<FoundPage['total']> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (select from ${sql.table(ask.table)} where tenant_id = ${asking.tenant} limit ${EXACT_TOTAL_LIMIT + 1}) bounded`.execute(
    db,
  );
  return toTotal(rows[0]?.count ?? 0, EXACT_TOTAL_LIMIT);
}

const toTotal = (count: number, limit: number): FoundPage['total'] => ({ count: Math.min(count, limit), exact: count <= limit });

const tenantAnd = (asking: Asking, table: ListedTable, conditions: readonly Condition[]) =>
  sql.join([sql`${sql.table(table)}.tenant_id = ${asking.tenant}`, ...conditions], sql` and `);

const idOf = (table: ListedTable) => sql.ref<string>(`${table}.id`);

/** One more than the page shows, which says that there is more. */
const rowsOf = (ask: PageAsk): number => ask.limit + 1;

interface Gathered {
  /** The page, if no more than `most` meet the conditions; otherwise none. */
  readonly rows: readonly FoundRow[];
  /** How many meet them, at most one more than `most`. */
  readonly count: number;
}

/**
 * Counts first, without the value that they are ordered by: where they are too many, neither that is looked up in another
 * table nor anything sorted.
 */
async function gather(tx: Database, asking: Asking, ask: PageAsk, after: After, most: number): Promise<Gathered> {
  const { column, descending } = ask.sort;
  const direction = descending ? sql`desc` : sql`asc`;
  const key = column.typed(after?.key ?? null);
  const beyond = descending ? sql`<` : sql`>`;
  const rest =
    after === null
      ? sql`true`
      : after.key === null
        ? sql`key is null and id ${beyond} ${after.id}::uuid`
        : sql`((key, id) ${beyond} (${key}, ${after.id}::uuid) or key is null)`;
  const listed = sql.table(ask.table);
  // One by one: the database would rather read all of the other table than look up what it takes for thousands.
  const keyed =
    column.join === undefined
      ? sql`select id, key from found`
      : sql`select ${listed}.id, value.key from found as ${listed} left join lateral (select ${column.value} as key from (select) one join ${column.join(asking)} limit 1) value on true`;
  const { rows } = await sql<FoundRow & { total: number }>`
    with found as materialized (
      select ${idOf(ask.table)} as id${column.join === undefined ? sql`, ${column.value} as key` : sql``} from ${listed}
      where ${tenantAnd(asking, ask.table, ask.conditions)} limit ${most + 1}
    ), counted as (select count(*)::int as total from found),
    page as (
      select id, key from (${keyed} where (select total from counted) <= ${most}) keyed
      where ${rest} order by key ${direction} nulls last, id ${direction} limit ${rowsOf(ask)}
    )
    select page.id, page.key::text as key, counted.total from counted left join page on true
    order by page.key ${direction} nulls last, page.id ${direction}`.execute(tx);
  return { rows: rows.filter(({ id }) => id !== null), count: rows[0]?.total ?? 0 };
}

/** Rows with a value in its order, then those without one, the latest first or last. */
async function walk(db: Database, asking: Asking, ask: PageAsk, after: After): Promise<readonly FoundRow[]> {
  const { column, descending } = ask.sort;
  const withValue = after !== null && after.key === null ? [] : await walkValues(db, asking, ask, after);
  if (column.without === undefined || withValue.length >= rowsOf(ask)) return withValue;
  const direction = descending ? sql`desc` : sql`asc`;
  const id = idOf(ask.table);
  const from = after !== null && after.key === null ? [sql<boolean>`${id} ${descending ? sql`<` : sql`>`} ${after.id}::uuid`] : [];
  const { rows } = await sql<FoundRow>`
    select ${id} as id, null as key from ${sql.table(ask.table)} where ${tenantAnd(asking, ask.table, [...ask.conditions, column.without(asking), ...from])}
    order by ${id} ${direction} limit ${rowsOf(ask) - withValue.length}`.execute(db);
  return [...withValue, ...rows];
}

async function walkValues(db: Database, asking: Asking, ask: PageAsk, after: After): Promise<readonly FoundRow[]> {
  const { id, value, from, order } = valuesAfter(asking, ask, after, ask.conditions);
  const { rows } = await sql<FoundRow>`select ${id} as id, (${value})::text as key from ${from} order by ${order(value, id)} limit ${rowsOf(ask)}`.execute(db);
  return rows;
}

/** Of the next rows with a value those that meet the conditions: by the order's index, whatever the database thinks of the conditions. */
async function walkNear(db: Database, asking: Asking, ask: PageAsk, after: After): Promise<readonly FoundRow[]> {
  if (after !== null && after.key === null) return [];
  const { id, value, from, order } = valuesAfter(asking, ask, after, []);
  const listed = sql.table(ask.table);
  const near = ask.sort.column.asWritten ? NEAR.asWritten : NEAR.elsewhere;
  const { rows } = await sql<FoundRow>`
    select place_id as id, place_value::text as key
    from (select ${listed}.*, ${value} as place_value, ${id} as place_id from ${from} order by ${order(value, id)} limit ${near}) as ${listed}
    where ${sql.join(ask.conditions, sql` and `)} order by ${order(sql`place_value`, sql`place_id`)} limit ${rowsOf(ask)}`.execute(db);
  return rows;
}

/** The rows that have a value in the order, behind the cursor, as parts of a query. */
function valuesAfter(asking: Asking, ask: PageAsk, after: After, conditions: readonly Condition[]) {
  const { column, descending } = ask.sort;
  const { value } = column;
  // Of a joined table it is that table's: the index then gives the whole order.
  const id = column.id ?? idOf(ask.table);
  const more = [
    ...(column.without === undefined ? [] : [sql<boolean>`${value} is not null`]),
    ...(after === null ? [] : [sql<boolean>`(${value}, ${id}) ${descending ? sql`<` : sql`>`} (${column.typed(after.key)}, ${after.id}::uuid)`]),
  ];
  const joined = column.join === undefined ? sql`` : sql`join ${column.join(asking)}`;
  const direction = descending ? sql`desc` : sql`asc`;
  return {
    id,
    value,
    from: sql`${sql.table(ask.table)} ${joined} where ${tenantAnd(asking, ask.table, [...conditions, ...more])}`,
    order: (by: RawBuilder<unknown>, then: RawBuilder<unknown>) => sql`${by} ${direction}, ${then} ${direction}`,
  };
}

function toPage(rows: readonly FoundRow[], ask: PageAsk, total: FoundPage['total']): FoundPage {
  const shown = rows.slice(0, ask.limit);
  const last = shown.at(-1);
  return { ids: shown.map(({ id }) => id), nextCursor: rows.length > ask.limit && last ? writeCursor(ask.sort, last) : null, total };
}

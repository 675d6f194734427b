import { isStatementTimeout, isUnreadableValue } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Asking, Condition } from '#search/search-fields.ts';
import { readCursor, type SortOrder, writeCursor } from '#search/sort-order.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { EXACT_TOTAL_LIMIT } from '@sodate/contract/paging.ts';
import { sql } from 'kysely';

/** A search that takes longer is given up: it would keep a connection from everybody else. */
const SEARCH_SECONDS_LIMIT = 5;

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
 *   number to which totals are exact. Mostly that is all of them, and they are sorted. Otherwise they are so many that
 *   walking the order's index meets a page of them soon.
 *
 * A database left to choose would walk the order's index also for a search that three rows in a million meet.
 * @throws SodateError `invalid-cursor`, `search-too-slow`
 */
export async function findPage(db: Database, asking: Asking, ask: PageAsk): Promise<FoundPage> {
  try {
    return await findRows(db, asking, ask, readCursor(ask.sort, ask.cursor));
  } catch (error) {
    if (isStatementTimeout(error)) throw new SodateError('search-too-slow', { seconds: SEARCH_SECONDS_LIMIT }, { cause: error });
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
    const { rows, total } = await gather(tx, asking, ask, after);
    return toPage(total.exact ? rows : await walk(tx, asking, ask, after), ask, total);
  });
}

/** Counted there: ten thousand rows that are sent to be counted here cost more than all the rest of a page. */
async function countAll(db: Database, asking: Asking, ask: PageAsk): Promise<FoundPage['total']> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (select from ${sql.table(ask.table)} where tenant_id = ${asking.tenant} limit ${EXACT_TOTAL_LIMIT + 1}) bounded`.execute(
    db,
  );
  const count = rows[0]?.count ?? 0;
  return { count: Math.min(count, EXACT_TOTAL_LIMIT), exact: count <= EXACT_TOTAL_LIMIT };
}

const tenantAnd = (asking: Asking, ask: PageAsk, more: readonly Condition[]) =>
  sql.join([sql`${sql.table(ask.table)}.tenant_id = ${asking.tenant}`, ...ask.conditions, ...more], sql` and `);

const idOf = (table: ListedTable) => sql.ref<string>(`${table}.id`);

/** One more than the page shows, which says that there is more. */
const rowsOf = (ask: PageAsk): number => ask.limit + 1;

async function gather(tx: Database, asking: Asking, ask: PageAsk, after: After): Promise<{ rows: readonly FoundRow[]; total: FoundPage['total'] }> {
  const { column, descending } = ask.sort;
  const direction = descending ? sql`desc` : sql`asc`;
  const joined = column.join === undefined ? sql`` : sql`left join ${column.join(asking)}`;
  const key = column.typed(after?.key ?? null);
  const beyond = descending ? sql`<` : sql`>`;
  const rest =
    after === null
      ? sql`true`
      : after.key === null
        ? sql`key is null and id ${beyond} ${after.id}::uuid`
        : sql`((key, id) ${beyond} (${key}, ${after.id}::uuid) or key is null)`;
  const { rows } = await sql<FoundRow & { total: number }>`
    with found as materialized (
      select ${idOf(ask.table)} as id, ${column.value} as key from ${sql.table(ask.table)} ${joined}
      where ${tenantAnd(asking, ask, [])} limit ${EXACT_TOTAL_LIMIT + 1}
    ), counted as (select count(*)::int as total from found),
    page as (select id, key from found where ${rest} order by key ${direction} nulls last, id ${direction} limit ${rowsOf(ask)})
    select page.id, page.key::text as key, counted.total from counted left join page on true
    order by page.key ${direction} nulls last, page.id ${direction}`.execute(tx);
  const count = rows[0]?.total ?? 0;
  return { rows: rows.filter(({ id }) => id !== null), total: { count: Math.min(count, EXACT_TOTAL_LIMIT), exact: count <= EXACT_TOTAL_LIMIT } };
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
    select ${id} as id, null as key from ${sql.table(ask.table)} where ${tenantAnd(asking, ask, [column.without(asking), ...from])}
    order by ${id} ${direction} limit ${rowsOf(ask) - withValue.length}`.execute(db);
  return [...withValue, ...rows];
}

async function walkValues(db: Database, asking: Asking, ask: PageAsk, after: After): Promise<readonly FoundRow[]> {
  const { column, descending } = ask.sort;
  const direction = descending ? sql`desc` : sql`asc`;
  // Of a joined table it is that table's: the index then gives the whole order.
  const id = column.id ?? idOf(ask.table);
  const more = [
    ...(column.without === undefined ? [] : [sql<boolean>`${column.value} is not null`]),
    ...(after === null ? [] : [sql<boolean>`(${column.value}, ${id}) ${descending ? sql`<` : sql`>`} (${column.typed(after.key)}, ${after.id}::uuid)`]),
  ];
  const joined = column.join === undefined ? sql`` : sql`join ${column.join(asking)}`;
  const { rows } = await sql<FoundRow>`
    select ${id} as id, (${column.value})::text as key from ${sql.table(ask.table)} ${joined}
    where ${tenantAnd(asking, ask, more)} order by ${column.value} ${direction}, ${id} ${direction} limit ${rowsOf(ask)}`.execute(db);
  return rows;
}

function toPage(rows: readonly FoundRow[], ask: PageAsk, total: FoundPage['total']): FoundPage {
  const shown = rows.slice(0, ask.limit);
  const last = shown.at(-1);
  return { ids: shown.map(({ id }) => id), nextCursor: rows.length > ask.limit && last ? writeCursor(ask.sort, last) : null, total };
}

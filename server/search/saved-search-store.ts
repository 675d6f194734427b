import { isUniqueViolation } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { boundedTotal, cutPage, decodeCursor } from '#kit/db/page.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UserId } from '@sodate/contract/ids.ts';
import { type listSavedSearches, SavedSearch, type SavedSearchId } from '@sodate/contract/search.ts';
import type { z } from 'zod';

/** Of one user in one tenant; more would be a program's. */
export const SAVED_SEARCHES_LIMIT = 1_000;

/** Who asks. They see their own and what is shared. */
export interface SearchReader {
  readonly tenant: TenantId;
  readonly user: UserId;
}

const visible = (db: Database, { tenant, user }: SearchReader) =>
  db
    .selectFrom('saved_searches')
    .innerJoin('users', 'users.id', 'saved_searches.owner_id')
    .where('saved_searches.tenant_id', '=', tenant)
    .where((expression) => expression.or([expression('saved_searches.shared', '=', true), expression('saved_searches.owner_id', '=', user)]));

const COLUMNS = [
  'saved_searches.id',
  'saved_searches.thing',
  'saved_searches.name',
  'saved_searches.query',
  'saved_searches.sort',
  'saved_searches.columns',
  'saved_searches.shared',
  'saved_searches.created_at',
  'saved_searches.updated_at',
  'users.id as user_id',
  'users.name as user_name',
  'users.display_name',
] as const;

type Row = Awaited<ReturnType<ReturnType<typeof selectVisible>['executeTakeFirstOrThrow']>>;
const selectVisible = (db: Database, reader: SearchReader) => visible(db, reader).select(COLUMNS);

const toSavedSearch = (row: Row): SavedSearch =>
  SavedSearch.parse({
    id: row.id,
    thing: row.thing,
    name: row.name,
    query: row.query,
    sort: row.sort,
    columns: row.columns,
    shared: row.shared,
    owner: { id: row.user_id, name: row.user_name, displayName: row.display_name },
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  });

/** @returns null for one that is not there, another tenant's, or another user's own */
export async function readSavedSearch(db: Database, reader: SearchReader, id: SavedSearchId): Promise<SavedSearch | null> {
  const row = await selectVisible(db, reader).where('saved_searches.id', '=', id).executeTakeFirst();
  return row ? toSavedSearch(row) : null;
}

export async function listSavedSearchPage(
  db: Database,
  reader: SearchReader,
  ask: z.output<(typeof listSavedSearches)['query']>,
): Promise<z.input<(typeof listSavedSearches)['response']>> {
  let matching = visible(db, reader);
  if (ask.thing !== undefined) matching = matching.where('saved_searches.thing', '=', ask.thing);
  if (ask.name !== undefined) matching = matching.where('saved_searches.name', '=', ask.name);
  const after = decodeCursor(ask.cursor);
  let page = matching
    .select(COLUMNS)
    .orderBy('saved_searches.created_at', 'desc')
    .orderBy('saved_searches.id', 'desc')
    .limit(ask.limit + 1);
  if (after)
    page = page.where((expression) =>
      expression(expression.refTuple('saved_searches.created_at', 'saved_searches.id'), '<', expression.tuple(after.at, after.id)),
    );
  const [rows, total] = await Promise.all([page.execute(), boundedTotal(matching)]);
  const cut = cutPage(rows, ask.limit);
  return { items: cut.rows.map(toSavedSearch), nextCursor: cut.nextCursor, total };
}

type Stored = Pick<SavedSearch, 'name' | 'query' | 'sort' | 'columns' | 'shared'>;

/** @throws SodateError `name-taken`, `too-many` */
export async function insertSavedSearch(
  db: Database,
  { tenant, user }: SearchReader,
  search: Stored & Pick<SavedSearch, 'id' | 'thing'>,
  now: Date,
): Promise<void> {
  const { count } = await db
    .selectFrom('saved_searches')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('tenant_id', '=', tenant)
    .where('owner_id', '=', user)
    .executeTakeFirstOrThrow();
  if (count >= SAVED_SEARCHES_LIMIT) throw new SodateError('too-many', { limit: SAVED_SEARCHES_LIMIT, things: 'saved searches of one user in a tenant' });
  await refuseTakenName(
    search.name,
    db
      .insertInto('saved_searches')
      .values({
        tenant_id: tenant,
        id: search.id,
        thing: search.thing,
        name: search.name,
        query: search.query,
        sort: search.sort,
        columns: search.columns,
        shared: search.shared,
        owner_id: user,
        created_at: now,
        updated_at: now,
      })
      .execute(),
  );
}

/** @throws SodateError `name-taken` */
export async function changeSavedSearch(db: Database, tenant: TenantId, id: SavedSearchId, change: Stored, now: Date): Promise<void> {
  const { name, query, sort, columns, shared } = change;
  await refuseTakenName(
    name,
    db
      .updateTable('saved_searches')
      .set({ name, query, sort, columns, shared, updated_at: now })
      .where('tenant_id', '=', tenant)
      .where('id', '=', id)
      .execute(),
  );
}

export async function deleteSavedSearchRow(db: Database, tenant: TenantId, id: SavedSearchId): Promise<void> {
  await db.deleteFrom('saved_searches').where('tenant_id', '=', tenant).where('id', '=', id).execute();
}

async function refuseTakenName(name: string, storing: Promise<unknown>): Promise<void> {
  try {
    await storing;
  } catch (error) {
    for (const constraint of ['saved_searches_own', 'saved_searches_shared'])
      if (isUniqueViolation(error, constraint)) throw new SodateError('name-taken', { thing: 'saved search', name }, { cause: error });
    throw error;
  }
}

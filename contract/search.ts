import { z } from 'zod';
import { Title } from './names.ts';
import { Instant, PageQuery, pageOf, Person } from './paging.ts';
import { defineRoute } from './route.ts';
import { TenantParams } from './tenants.ts';

/** At most this many characters in one search. */
export const SEARCH_LENGTH_LIMIT = 2_000;

/**
 * A search: conditions that must all hold, such as `tag:mnist created>=2026-01 -state:failed metric.loss<0.1 digits`.
 * What a list understands is in `docs/search.md`; an error says at which character it stopped understanding.
 */
export const SearchExpression = z
  .string()
  .trim()
  .max(SEARCH_LENGTH_LIMIT)
  .regex(/^[^\u0000]*$/, 'must not contain NUL')
  .describe('Conditions that must all hold, such as: tag:mnist created>=2026-01 -name:test');

/** `name` or, from the largest down, `-name`. */
export const Sort = z
  .string()
  .max(300)
  .regex(/^-?[^-\u0000-\u001f][^\u0000-\u001f]*$/, 'the name of a column, with - before it for the largest first')
  .describe('A column, with - before it for the largest first');

/** What every list that can be searched also takes. */
export const SearchParameters = { search: SearchExpression.optional(), sort: Sort.optional() };

export const SEARCHED_THINGS = ['data', 'dataset', 'run'] as const;
export const SearchedThing = z.enum(SEARCHED_THINGS);
export type SearchedThing = z.infer<typeof SearchedThing>;

export const SavedSearchId = z.uuid().brand<'SavedSearchId'>();
export type SavedSearchId = z.infer<typeof SavedSearchId>;

export const SavedSearch = z.object({
  id: SavedSearchId,
  /** Which list it searches. */
  thing: SearchedThing,
  name: z.string(),
  query: z.string(),
  sort: z.string().nullable(),
  /** Of the table that shows what is found; empty = those that the list always has. */
  columns: z.array(z.string()),
  /** Everybody of the tenant sees it; else its owner alone. */
  shared: z.boolean(),
  owner: Person,
  createdAt: Instant,
  updatedAt: Instant,
});
export type SavedSearch = z.infer<typeof SavedSearch>;

const Column = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\u0000-\u001f,]*$/, 'no control character and no comma');
const Columns = z.array(Column).max(50);

const SavedSearchParams = TenantParams.extend({ search: SavedSearchId });

export const listSavedSearches = defineRoute({
  id: 'searches.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/searches',
  permission: 'tenant-viewer',
  summary: 'My saved searches and those that are shared, newest first',
  params: TenantParams,
  query: PageQuery.extend({ thing: SearchedThing.optional(), name: Title.optional() }),
  response: pageOf(SavedSearch),
});

export const createSavedSearch = defineRoute({
  id: 'searches.create',
  method: 'POST',
  path: '/v1/tenants/{tenant}/searches',
  permission: 'tenant-viewer',
  summary: 'Save a search; to share it needs the role of a member',
  params: TenantParams,
  body: z.strictObject({
    thing: SearchedThing,
    name: Title,
    query: SearchExpression,
    sort: Sort.nullable().default(null),
    columns: Columns.default([]),
    shared: z.boolean().default(false),
  }),
  response: SavedSearch,
  status: 201,
  errors: ['name-taken', 'search-not-understood', 'too-many'],
  idempotent: true,
});

export const updateSavedSearch = defineRoute({
  id: 'searches.update',
  method: 'PATCH',
  path: '/v1/tenants/{tenant}/searches/{search}',
  permission: 'tenant-viewer',
  summary: "Change a saved search of mine; a shared one also by the tenant's admins",
  params: SavedSearchParams,
  body: z.strictObject({
    name: Title.optional(),
    query: SearchExpression.optional(),
    sort: Sort.nullable().optional(),
    columns: Columns.optional(),
    shared: z.boolean().optional(),
  }),
  response: SavedSearch,
  errors: ['name-taken', 'search-not-understood'],
});

export const deleteSavedSearch = defineRoute({
  id: 'searches.delete',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/searches/{search}',
  permission: 'tenant-viewer',
  summary: "Remove a saved search of mine; a shared one also by the tenant's admins",
  params: SavedSearchParams,
});

export const searchRoutes = [listSavedSearches, createSavedSearch, updateSavedSearch, deleteSavedSearch];

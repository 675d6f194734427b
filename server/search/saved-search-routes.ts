import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Caller, TenantContext } from '#kit/http/access.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import {
  changeSavedSearch,
  deleteSavedSearchRow,
  insertSavedSearch,
  listSavedSearchPage,
  readSavedSearch,
  type SearchReader,
} from '#search/saved-search-store.ts';
import { checkSearch, type SearchedList } from '#search/search.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import * as routes from '@sodate/contract/search.ts';

/** `lists`: what each thing's list understands, so that a search is refused when it is saved and not each time it is used. */
export function bindSavedSearchRoutes(
  binder: Binder,
  parts: { readonly db: Database; readonly clock: Clock; readonly lists: Readonly<Record<routes.SearchedThing, SearchedList>> },
): void {
  const { db, clock, lists } = parts;

  const check = (tenant: TenantContext, search: Pick<routes.SavedSearch, 'thing' | 'query' | 'sort'>): string =>
    checkSearch(lists[search.thing], { tenant: tenant.id, now: clock.now() }, { search: search.query, sort: search.sort ?? undefined });

  const found = async (reader: SearchReader, id: routes.SavedSearchId): Promise<routes.SavedSearch> => {
    const search = await readSavedSearch(db, reader, id);
    if (search === null) throw new SodateError('not-found', { thing: 'saved search', reference: id });
    return search;
  };

  /** One that may be changed: one's own, and for admins of the tenant what is shared. */
  const changeable = async (caller: Caller, tenant: TenantContext, id: routes.SavedSearchId): Promise<routes.SavedSearch> => {
    const search = await found(readerOf(caller, tenant), id);
    if (search.owner.id !== caller.user && tenant.role !== 'admin') throw new SodateError('not-allowed', { needed: 'admin, or to be who saved it' });
    return search;
  };

  binder.bind(routes.listSavedSearches, ({ caller, tenant, query }) => listSavedSearchPage(db, readerOf(caller, tenant), query));

  binder.bind(
    routes.createSavedSearch,
    async ({ caller, tenant, body, newId }) => {
      if (body.shared) refuseViewers(tenant);
      const query = check(tenant, body);
      const id = routes.SavedSearchId.parse(newId);
      await insertSavedSearch(db, readerOf(caller, tenant), { ...body, id, query }, clock.now());
      return found(readerOf(caller, tenant), id);
    },
    ({ caller, tenant, newId }) => readSavedSearch(db, readerOf(caller, tenant), routes.SavedSearchId.parse(newId)),
  );

  binder.bind(routes.updateSavedSearch, async ({ caller, tenant, params, body }) => {
    const before = await changeable(caller, tenant, params.search);
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    const after: routes.SavedSearch = { ...before, ...given };
    if (after.shared) refuseViewers(tenant);
    const query = check(tenant, after);
    await changeSavedSearch(db, tenant.id, before.id, { ...after, query }, clock.now());
    // Read for its owner: an admin who ends the sharing of another's search does not see it any more.
    return found({ tenant: tenant.id, user: before.owner.id as SearchReader['user'] }, before.id);
  });

  binder.bind(routes.deleteSavedSearch, async ({ caller, tenant, params }) => {
    const search = await changeable(caller, tenant, params.search);
    await deleteSavedSearchRow(db, tenant.id, search.id);
  });
}

const readerOf = (caller: Caller, tenant: TenantContext): SearchReader => ({ tenant: tenant.id, user: caller.user });

/** Whoever may only look leaves nothing in front of others. */
function refuseViewers(tenant: TenantContext): void {
  if (tenant.role === 'viewer') throw new SodateError('not-allowed', { needed: 'member, to share a search' });
}

import type { Client } from '@sodate/client/make-client.ts';
import { listSavedSearches, type SearchedThing } from '@sodate/contract/search.ts';
import { listMembers } from '@sodate/contract/tenants.ts';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';

const SEARCHES_PER_PAGE = 100;

/** Changes of these have no event; they are loaded again when they are opened. */
export const savedSearchesQuery = (client: Client, tenant: string, thing: SearchedThing) =>
  infiniteQueryOptions({
    queryKey: [tenant, 'saved-search', thing],
    queryFn: ({ signal, pageParam }) =>
      client.call(listSavedSearches, { params: { tenant }, query: { thing, cursor: pageParam, limit: SEARCHES_PER_PAGE }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });

/** Whose names can be completed. */
export const membersQuery = (client: Client, tenant: string) =>
  queryOptions({ queryKey: [tenant, 'member', 'names'], queryFn: ({ signal }) => client.call(listMembers, { params: { tenant }, signal }) });

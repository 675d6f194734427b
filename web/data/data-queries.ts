import type { Client } from '@sodate/client/make-client.ts';
import { listData, listDataFiles } from '@sodate/contract/data.ts';
import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query';

export interface DataFilter {
  readonly text?: string | undefined;
  readonly tag?: readonly string[] | undefined;
  /** A user's name. */
  readonly createdBy?: string | undefined;
  readonly search?: string | undefined;
  readonly sort?: string | undefined;
}

const DATA_PER_PAGE = 100;
const FILES_PER_PAGE = 500;

export const dataListQuery = (client: Client, tenant: string, filter: DataFilter) =>
  infiniteQueryOptions({
    queryKey: [tenant, 'data', 'list', filter],
    queryFn: ({ signal, pageParam }) =>
      client.call(listData, {
        params: { tenant },
        query: { ...filter, tag: filter.tag === undefined ? undefined : [...filter.tag], cursor: pageParam, limit: DATA_PER_PAGE },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });

/** Lies under its data's key, so that a change of the data refreshes it. */
export const dataFilesQuery = (client: Client, tenant: string, data: string) =>
  infiniteQueryOptions({
    queryKey: [tenant, 'data', data, 'files'],
    queryFn: ({ signal, pageParam }) => client.call(listDataFiles, { params: { tenant, data }, query: { cursor: pageParam, limit: FILES_PER_PAGE }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });

import type { Client } from '@sodate/client/make-client.ts';
import { listDatasets } from '@sodate/contract/datasets.ts';
import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query';

const DATASETS_PER_PAGE = 100;

export interface DatasetFilter {
  readonly search?: string | undefined;
  readonly sort?: string | undefined;
}

export const datasetListQuery = (client: Client, tenant: string, filter: DatasetFilter) =>
  infiniteQueryOptions({
    queryKey: [tenant, 'dataset', 'list', filter],
    queryFn: ({ signal, pageParam }) =>
      client.call(listDatasets, { params: { tenant }, query: { ...filter, cursor: pageParam, limit: DATASETS_PER_PAGE }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });

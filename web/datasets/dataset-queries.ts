import type { Client } from '@sodate/client/make-client.ts';
import { listDatasets } from '@sodate/contract/datasets.ts';
import { infiniteQueryOptions, keepPreviousData } from '@tanstack/react-query';

const DATASETS_PER_PAGE = 100;

export const datasetListQuery = (client: Client, tenant: string, text: string | undefined) =>
  infiniteQueryOptions({
    queryKey: [tenant, 'dataset', 'list', text ?? ''],
    queryFn: ({ signal, pageParam }) => client.call(listDatasets, { params: { tenant }, query: { text, cursor: pageParam, limit: DATASETS_PER_PAGE }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });

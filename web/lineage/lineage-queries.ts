import type { Client } from '@sodate/client/make-client.ts';
import { getLineage } from '@sodate/contract/lineage.ts';
import { queryOptions } from '@tanstack/react-query';

/** Lies under its run's key, so that a change of the run refreshes it. */
export const lineageQuery = (client: Client, tenant: string, id: string, direction: 'ancestors' | 'descendants') =>
  queryOptions({
    queryKey: [tenant, 'run', id, 'lineage', direction],
    queryFn: ({ signal }) => client.call(getLineage, { params: { tenant, kind: 'run', id }, query: { direction }, signal }),
  });

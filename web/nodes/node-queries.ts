import type { Client } from '@sodate/client/make-client.ts';
import { listNodes } from '@sodate/contract/nodes.ts';
import { queryOptions } from '@tanstack/react-query';

/** What is in use changes with every run that starts or ends, for which a node has no event of its own. */
const ASKED_AGAIN_AFTER_MS = 5_000;

/** Lies under a tenant's key although nodes belong to none, because a tenant's live changes tell of nodes too. */
export const nodesQuery = (client: Client, tenant: string) =>
  queryOptions({
    queryKey: [tenant, 'node', 'list'],
    queryFn: ({ signal }) => client.call(listNodes, { signal }),
    refetchInterval: ASKED_AGAIN_AFTER_MS,
  });

import type { Client } from '@sodate/client/make-client.ts';
import { listGitCredentials } from '@sodate/contract/git-credentials.ts';
import { listGitEndpoints } from '@sodate/contract/git.ts';
import { queryOptions } from '@tanstack/react-query';

/** Shared by all tenants; changes of them have no event. */
export const gitEndpointsQuery = (client: Client) =>
  queryOptions({ queryKey: ['git-endpoints'], queryFn: ({ signal }) => client.call(listGitEndpoints, { signal }) });

export const gitCredentialsQuery = (client: Client, tenant: string) =>
  queryOptions({ queryKey: [tenant, 'git-credentials'], queryFn: ({ signal }) => client.call(listGitCredentials, { params: { tenant }, signal }) });

import type { StoredEndpoint } from '#git/git-endpoint-store.ts';
import type { Git } from '#git/git.ts';
import type { GitReader } from '#git/git-credential-store.ts';
import { fingerprintOf } from '#git/host-keys.ts';
import type { Caller, TenantContext } from '#kit/http/access.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import {
  createGitEndpoint,
  deleteGitEndpoint,
  type GitEndpoint,
  listBranches,
  listCommits,
  listGitEndpoints,
  listRepositories,
  readHostKeys,
  updateGitEndpoint,
} from '@sodate/contract/git.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';

export function bindGitRoutes(binder: Binder, { git }: { readonly git: Git }): void {
  binder.bind(listGitEndpoints, async ({ caller }) => ({
    items: (await git.listEndpoints()).map((endpoint) => present(endpoint, caller.systemAdmin)),
  }));
  binder.bind(createGitEndpoint, async ({ body, newId, caller }) =>
    present(await git.createEndpoint({ id: newId as GitEndpointId, ...body }), caller.systemAdmin),
  );
  binder.bind(updateGitEndpoint, async ({ params, body, caller }) => present(await git.updateEndpoint(params.endpoint, body), caller.systemAdmin));
  binder.bind(readHostKeys, async ({ body }) => ({
    items: (await git.readHostKeys(body)).map((key) => ({ type: key.type, fingerprint: fingerprintOf(key), line: `${key.type} ${key.key}` })),
  }));
  binder.bind(deleteGitEndpoint, async ({ params }) => {
    await git.deleteEndpoint(params.endpoint);
  });
  binder.bind(listRepositories, async ({ params, query, tenant, caller }) => {
    const { items, nextCursor } = await git.listRepositories(params.endpoint, query, readerOf(tenant, caller));
    return { items: items.map((name) => ({ name })), nextCursor };
  });
  binder.bind(listBranches, async ({ params, query, tenant, caller }) => ({
    items: [...(await git.listBranches(params.endpoint, query.repository, readerOf(tenant, caller)))],
  }));
  binder.bind(listCommits, async ({ params, query, tenant, caller }) => ({
    items: [...(await git.listCommits(params.endpoint, query.repository, query, readerOf(tenant, caller)))],
  }));
}

const readerOf = (tenant: TenantContext, caller: Caller): GitReader => ({ tenant: tenant.id, user: caller.user });

const present = (endpoint: StoredEndpoint, systemAdmin: boolean): GitEndpoint => ({
  id: endpoint.id,
  number: endpoint.number,
  name: endpoint.name,
  kind: endpoint.kind,
  createdAt: endpoint.createdAt.toISOString(),
  ...(endpoint.kind === 'local'
    ? { root: systemAdmin ? endpoint.root : null, url: null, apiUrl: null, hostKeys: [], lfsHosts: [] }
    : {
        root: null,
        url: endpoint.url,
        apiUrl: endpoint.apiUrl,
        hostKeys: endpoint.hostKeys.map((key) => ({ type: key.type, fingerprint: fingerprintOf(key) })),
        lfsHosts: [...endpoint.lfsHosts],
      }),
});

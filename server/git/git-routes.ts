import type { StoredEndpoint } from '#git/git-endpoint-store.ts';
import type { Git } from '#git/git.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import { createGitEndpoint, deleteGitEndpoint, type GitEndpoint, listBranches, listCommits, listGitEndpoints, listRepositories } from '@sodate/contract/git.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';

export function bindGitRoutes(binder: Binder, { git }: { readonly git: Git }): void {
  binder.bind(listGitEndpoints, async ({ caller }) => ({
    items: (await git.listEndpoints()).map((endpoint) => present(endpoint, caller.systemAdmin)),
  }));
  binder.bind(createGitEndpoint, async ({ body, newId, caller }) =>
    present(await git.createEndpoint({ id: newId as GitEndpointId, name: body.name, root: body.root }), caller.systemAdmin),
  );
  binder.bind(deleteGitEndpoint, async ({ params }) => {
    await git.deleteEndpoint(params.endpoint);
  });
  binder.bind(listRepositories, async ({ params }) => ({ items: (await git.listRepositories(params.endpoint)).map((name) => ({ name })) }));
  binder.bind(listBranches, async ({ params, query }) => ({ items: [...(await git.listBranches(params.endpoint, query.repository))] }));
  binder.bind(listCommits, async ({ params, query }) => ({ items: [...(await git.listCommits(params.endpoint, query.repository, query))] }));
}

const present = (endpoint: StoredEndpoint, systemAdmin: boolean): GitEndpoint => ({
  id: endpoint.id,
  number: endpoint.number,
  name: endpoint.name,
  kind: endpoint.kind,
  root: systemAdmin ? endpoint.root : null,
  createdAt: endpoint.createdAt.toISOString(),
});

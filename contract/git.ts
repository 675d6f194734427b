import { z } from 'zod';
import { GitEndpointId, NamedRef } from './ids.ts';
import { Title } from './names.ts';
import { Instant } from './paging.ts';
import { defineRoute } from './route.ts';
import { TenantParams } from './tenants.ts';

/** Where repositories come from. `local`: folders below a root on the server's disk, made by a system admin only. */
export const GitEndpoint = z.object({
  id: GitEndpointId,
  number: z.number().int(),
  name: z.string(),
  kind: z.enum(['local']),
  /** For `local`: the absolute path below which repositories lie. Shown to system admins only, else null. */
  root: z.string().nullable(),
  createdAt: Instant,
});
export type GitEndpoint = z.infer<typeof GitEndpoint>;

/** A repository's path below its endpoint: segments joined by `/`, no `.` or `..`, none beginning with a hyphen or dot. */
export const RepositoryName = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*(\/[\p{L}\p{N}_][\p{L}\p{N}_.-]*)*$/u, 'segments of letters, digits, - _ . joined by /');

/** A branch, tag or commit id. Never begins with a hyphen, so that it cannot be taken for an option. */
export const Revision = z
  .string()
  .min(1)
  .max(250)
  .regex(/^[\p{L}\p{N}_][\p{L}\p{N}_./@+-]*$/u, 'letters, digits and . _ / @ + -, not beginning with a hyphen')
  .refine((name) => !name.includes('..') && !name.includes('@{'), 'must not contain .. or @{');

/** What a run is to check out. Without `revision` the repository's HEAD; it is resolved to a commit at submission. */
export const GitSource = z.strictObject({
  endpoint: NamedRef.optional(),
  repository: RepositoryName,
  revision: Revision.optional(),
});

export const ResolvedGitSource = z.object({
  endpoint: z.object({ id: GitEndpointId, name: z.string() }),
  repository: z.string(),
  revision: z.string().nullable(),
  commit: z.string(),
});
export type ResolvedGitSource = z.infer<typeof ResolvedGitSource>;

export const Commit = z.object({ id: z.string(), author: z.string(), message: z.string(), committedAt: Instant });

const EndpointParams = z.object({ endpoint: NamedRef });

export const listGitEndpoints = defineRoute({
  id: 'git.listEndpoints',
  method: 'GET',
  path: '/v1/git-endpoints',
  permission: 'signed-in',
  summary: 'Where repositories can come from',
  response: z.object({ items: z.array(GitEndpoint) }),
});

export const createGitEndpoint = defineRoute({
  id: 'git.createEndpoint',
  method: 'POST',
  path: '/v1/git-endpoints',
  permission: 'system-admin',
  summary: 'Register a folder of repositories on the server; it must lie below SODATE_GIT_ROOT',
  body: z.strictObject({ name: Title, kind: z.literal('local'), root: z.string().min(1).max(4096) }),
  response: GitEndpoint,
  status: 201,
  errors: ['name-taken'],
});

export const deleteGitEndpoint = defineRoute({
  id: 'git.deleteEndpoint',
  method: 'DELETE',
  path: '/v1/git-endpoints/{endpoint}',
  permission: 'system-admin',
  summary: 'Remove an endpoint that no run has used',
  params: EndpointParams,
  errors: ['in-use'],
});

const Browse = TenantParams.extend({ endpoint: NamedRef });

export const listRepositories = defineRoute({
  id: 'git.listRepositories',
  method: 'GET',
  path: '/v1/tenants/{tenant}/git/{endpoint}/repositories',
  permission: 'tenant-viewer',
  summary: 'Repositories of an endpoint',
  params: Browse,
  response: z.object({ items: z.array(z.object({ name: z.string() })) }),
  errors: ['git-failed'],
});

export const listBranches = defineRoute({
  id: 'git.listBranches',
  method: 'GET',
  path: '/v1/tenants/{tenant}/git/{endpoint}/branches',
  permission: 'tenant-viewer',
  summary: 'Branches of a repository, the default one first',
  params: Browse,
  query: z.strictObject({ repository: RepositoryName }),
  response: z.object({ items: z.array(z.object({ name: z.string(), commit: z.string(), isDefault: z.boolean() })) }),
  errors: ['git-repository-not-found', 'git-failed'],
});

export const listCommits = defineRoute({
  id: 'git.listCommits',
  method: 'GET',
  path: '/v1/tenants/{tenant}/git/{endpoint}/commits',
  permission: 'tenant-viewer',
  summary: 'Commits from a revision back',
  params: Browse,
  query: z.strictObject({
    repository: RepositoryName,
    revision: Revision.optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    skip: z.coerce.number().int().min(0).max(100_000).default(0),
  }),
  response: z.object({ items: z.array(Commit) }),
  errors: ['git-repository-not-found', 'git-revision-not-found', 'git-failed'],
});

export const gitRoutes = [listGitEndpoints, createGitEndpoint, deleteGitEndpoint, listRepositories, listBranches, listCommits];

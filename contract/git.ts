import { z } from 'zod';
import { GitEndpointId, NamedRef } from './ids.ts';
import { Title } from './names.ts';
import { Instant, SearchText } from './paging.ts';
import { defineRoute } from './route.ts';
import { TenantParams } from './tenants.ts';

/** What a git server is, which says how its repositories are listed; `plain` is one that lists none. */
export const GitServerKind = z.enum(['github', 'gitlab', 'gitea', 'gitbucket', 'plain']);
export type GitServerKind = z.infer<typeof GitServerKind>;

/** Where repositories come from: `local` are folders below a root on the server's disk, the others are git servers. Made by system admins. */
export const GitEndpoint = z.object({
  id: GitEndpointId,
  number: z.number().int(),
  name: z.string(),
  kind: z.enum(['local', ...GitServerKind.options]),
  /** For `local`: the absolute path below which repositories lie. Shown to system admins only, else null. */
  root: z.string().nullable(),
  /** For servers: `https://…`, `http://…` or `ssh://…`, to which `/` and a repository's name are added. Never changed. */
  url: z.string().nullable(),
  /** Where the server's API is asked for its repositories; null where it has none. Never changed. */
  apiUrl: z.string().nullable(),
  /** For SSH: the keys of which the server must show one, with their fingerprints as `ssh` writes them. */
  hostKeys: z.array(z.object({ type: z.string(), fingerprint: z.string() })),
  /** Other hosts to which the server may send us for the content of Git LFS. */
  lfsHosts: z.array(z.string()),
  createdAt: Instant,
});
export type GitEndpoint = z.infer<typeof GitEndpoint>;

const HOST = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[0-9a-fA-F:.]+\\])';
const PORT = '(?::[1-9][0-9]{0,4})?';
const PATH = '(?:/[A-Za-z0-9_~][A-Za-z0-9_.~-]*)*/?';
const trimSlash = (text: string): string => text.replace(/\/$/, '');

/** No user name or password in it, no query, no fragment: it is shown to everybody. */
const WebAddress = z
  .string()
  .trim()
  .max(1000)
  .regex(new RegExp(`^https?://${HOST}${PORT}${PATH}$`), 'https://HOST[:PORT][/PATH], or http:// where everything may travel unencrypted; no user name in it')
  .refine((text) => URL.canParse(text), 'is not an address')
  .overwrite(trimSlash);

const SshAddress = z
  .string()
  .trim()
  .max(1000)
  .regex(new RegExp(`^ssh://(?:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}@)?${HOST}${PORT}${PATH}$`), 'ssh://[USER@]HOST[:PORT][/PATH]')
  .refine((text) => URL.canParse(text), 'is not an address')
  .overwrite(trimSlash);

const ServerAddress = z.union([WebAddress, SshAddress], { error: 'must be https://HOST[:PORT][/PATH], http://… or ssh://[USER@]HOST[:PORT][/PATH]' });

/** `TYPE KEY` or `HOST TYPE KEY` lines, as ssh-keyscan and known_hosts have them. The host is not looked at. */
const HostKeys = z.string().trim().min(1).max(65_536);

const LfsHosts = z
  .array(
    z
      .string()
      .trim()
      .toLowerCase()
      .max(253)
      .regex(new RegExp(`^${HOST}${PORT}$`), 'HOST or HOST:PORT'),
  )
  .max(20);

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
  summary: 'Register a git server, or a folder of repositories on this one, which must lie below SODATE_GIT_ROOT',
  body: z.discriminatedUnion('kind', [
    z.strictObject({ name: Title, kind: z.literal('local'), root: z.string().min(1).max(4096) }),
    z.strictObject({
      name: Title,
      kind: GitServerKind,
      url: ServerAddress,
      /** Without it: where servers of that kind have it. */
      apiUrl: WebAddress.optional(),
      /** For SSH. Without it the server is asked for its keys now, and what it answers is kept: compare the fingerprints. */
      hostKeys: HostKeys.optional(),
      lfsHosts: LfsHosts.default([]),
    }),
  ]),
  response: GitEndpoint,
  status: 201,
  errors: ['name-taken', 'git-server-unreachable', 'git-server-silent'],
});

export const readHostKeys = defineRoute({
  id: 'git.readHostKeys',
  method: 'POST',
  path: '/v1/git-host-keys',
  permission: 'system-admin',
  summary: 'The keys that an SSH server shows now, or those of a text, with their fingerprints to compare; nothing is kept',
  body: z.union([z.strictObject({ url: SshAddress }), z.strictObject({ hostKeys: HostKeys })], { error: 'either url, at ssh://…, or hostKeys' }),
  /** `line` is what an endpoint takes as one of its `hostKeys`. */
  response: z.object({ items: z.array(z.object({ type: z.string(), fingerprint: z.string(), line: z.string() })) }),
  errors: ['git-server-unreachable'],
});

export const updateGitEndpoint = defineRoute({
  id: 'git.updateEndpoint',
  method: 'PATCH',
  path: '/v1/git-endpoints/{endpoint}',
  permission: 'system-admin',
  summary: 'Rename an endpoint, or say which keys its SSH server has now',
  params: EndpointParams,
  body: z.strictObject({
    name: Title.optional(),
    /** `scan` asks the server for its keys and keeps what it answers. */
    hostKeys: z.union([z.literal('scan'), HostKeys]).optional(),
    lfsHosts: LfsHosts.optional(),
  }),
  response: GitEndpoint,
  errors: ['name-taken', 'git-server-unreachable', 'git-server-silent'],
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

/** What reading a repository can end in. */
export const GIT_READ_ERRORS = [
  'git-repository-not-found',
  'git-sign-in-needed',
  'git-sign-in-refused',
  'git-host-key-changed',
  'git-server-unreachable',
  'git-server-silent',
  'git-failed',
  'secret-unreadable',
] as const;

export const listRepositories = defineRoute({
  id: 'git.listRepositories',
  method: 'GET',
  path: '/v1/tenants/{tenant}/git/{endpoint}/repositories',
  permission: 'tenant-viewer',
  summary: 'Repositories of an endpoint that the caller may read there; a page may be short or empty and still have a next one',
  params: Browse,
  query: z.strictObject({ text: SearchText, limit: z.coerce.number().int().min(1).max(200).default(100), cursor: z.string().max(512).optional() }),
  response: z.object({ items: z.array(z.object({ name: z.string() })), nextCursor: z.string().nullable() }),
  errors: ['git-without-list', 'invalid-cursor', ...GIT_READ_ERRORS],
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
  errors: GIT_READ_ERRORS,
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
  errors: ['git-revision-not-found', ...GIT_READ_ERRORS],
});

export const gitRoutes = [listGitEndpoints, createGitEndpoint, readHostKeys, updateGitEndpoint, deleteGitEndpoint, listRepositories, listBranches, listCommits];

import { type Branch, type ListedCommit, listBranchesOf, listCommitsOf } from '#git/browse-repository.ts';
import { makeGitCheckout } from '#git/git-checkout.ts';
import { deleteUnusedEndpoint, insertEndpoint, loadEndpoint, loadEndpoints, type StoredEndpoint } from '#git/git-endpoint-store.ts';
import { makeGitMirror, type RepositoryAt } from '#git/git-mirror.ts';
import { EscapesRoot, findRepository, isBelow, listRepositoriesBelow } from '#git/local-repositories.ts';
import { resolveRevision } from '#git/resolve-source.ts';
import { DEFAULT_GIT_SEARCH_PATH, makeRunGit } from '#git/run-git.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Log } from '#kit/log.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { GitSource, ResolvedGitSource } from '@sodate/contract/git.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';

/** An error text names so many repositories, no more. */
const NAMED_REPOSITORIES = 20;

/**
 * The code that runs use: where repositories come from, what a branch means now, and a commit's files on disk.
 *
 * Promises: a commit that `resolveSource` answered can be checked out ever after, whatever becomes of its origin. Git
 * never runs anything that a repository brings along (hooks, filters, configuration), never asks, never leaves the
 * machine, and reads nothing outside the endpoint's root. Every error is one of the catalogue.
 */
export interface Git {
  /** Without an endpoint the first registered one is meant. The commit is kept before this returns. */
  resolveSource(source: z.infer<typeof GitSource>): Promise<ResolvedGitSource>;
  /** Makes sure that the commit is kept. Touches the origin only when it is not. */
  ensureMirror(endpoint: GitEndpointId, repository: string, commit: string): Promise<void>;
  /** A folder with the commit's files and a small `.git`. Shared and read only: jobs get copies. */
  ensureCheckout(endpoint: GitEndpointId, repository: string, commit: string): Promise<string>;

  listEndpoints(): Promise<readonly StoredEndpoint[]>;
  createEndpoint(endpoint: { readonly id: GitEndpointId; readonly name: string; readonly root: string }): Promise<StoredEndpoint>;
  deleteEndpoint(reference: string): Promise<void>;
  listRepositories(endpoint: string): Promise<readonly string[]>;
  listBranches(endpoint: string, repository: string): Promise<readonly Branch[]>;
  listCommits(
    endpoint: string,
    repository: string,
    ask: { readonly revision?: string | undefined; readonly limit: number; readonly skip: number },
  ): Promise<readonly ListedCommit[]>;

  /** Removes what killed processes left half-made. Only while no other process uses the same home. */
  removeLeftovers(): Promise<void>;
}

/** @param parts.folder is ours alone; `gitRoot` null switches endpoints of local folders off */
export function makeGit(parts: {
  readonly db: Database;
  readonly folder: string;
  readonly gitRoot: string | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly searchPath?: string;
}): Git {
  const { db, folder, gitRoot, clock, log } = parts;
  const git = makeRunGit({ folder, searchPath: parts.searchPath ?? DEFAULT_GIT_SEARCH_PATH, log });
  const mirror = makeGitMirror({ folder, git });
  const checkout = makeGitCheckout({ folder, git, mirror });

  /** The endpoint's folder as it is now; it may have been moved or replaced since it was registered. */
  async function rootOf(endpoint: StoredEndpoint, about: string): Promise<string> {
    if (gitRoot === null)
      throw new SodateError('git-failed', { repository: about, reason: 'SODATE_GIT_ROOT is not set on the server, so local repositories are switched off' });
    const [allowed, root] = await Promise.all([realpath(gitRoot), realpath(endpoint.root)].map((each) => each.catch(() => null)));
    if (!allowed || !root || !isBelow(root, allowed)) {
      log.warn({ endpoint: endpoint.name, root: endpoint.root, gitRoot }, 'the folder of a git endpoint is missing or not below SODATE_GIT_ROOT');
      throw new SodateError('git-failed', {
        repository: about,
        reason: `the folder of the endpoint ${endpoint.name} is missing or no longer below SODATE_GIT_ROOT`,
      });
    }
    return root;
  }

  async function originOf(endpoint: StoredEndpoint, repository: string): Promise<string> {
    const root = await rootOf(endpoint, repository);
    const found = await findRepository(root, repository).catch((error: unknown) => {
      if (!(error instanceof EscapesRoot)) throw error;
      log.warn({ err: error, endpoint: endpoint.name, repository }, 'a repository leads outside its endpoint and is not used');
      return null;
    });
    if (found !== null) return found;
    const known = await listRepositoriesBelow(root);
    const names = known.slice(0, NAMED_REPOSITORIES).join(', ') + (known.length > NAMED_REPOSITORIES ? ', …' : '');
    throw new SodateError('git-repository-not-found', { repository, endpoint: endpoint.name, known: names === '' ? 'none' : names });
  }

  const repositoryAt = (endpoint: StoredEndpoint, repository: string): RepositoryAt => ({
    endpoint: endpoint.id,
    repository,
    origin: () => originOf(endpoint, repository),
  });
  const repositoryById = (endpoint: GitEndpointId, repository: string): RepositoryAt => ({
    endpoint,
    repository,
    origin: async () => originOf(await loadEndpoint(db, endpoint), repository),
  });

  async function firstEndpoint(): Promise<StoredEndpoint> {
    const [first] = await loadEndpoints(db);
    if (first) return first;
    throw new SodateError('invalid-request', { details: 'git: no git endpoint is registered. A system admin registers one: sodate git add NAME FOLDER' });
  }

  return {
    async resolveSource(source) {
      const endpoint = source.endpoint === undefined ? await firstEndpoint() : await loadEndpoint(db, source.endpoint);
      const commit = await resolveRevision(git, mirror, repositoryAt(endpoint, source.repository), source.revision);
      return { endpoint: { id: endpoint.id, name: endpoint.name }, repository: source.repository, revision: source.revision ?? null, commit };
    },
    async ensureMirror(endpoint, repository, commit) {
      const at = repositoryById(endpoint, repository);
      if (!(await mirror.isKept(at, commit))) await mirror.keep(at, commit);
    },
    ensureCheckout: (endpoint, repository, commit) => checkout(repositoryById(endpoint, repository), commit),

    listEndpoints: () => loadEndpoints(db),
    async createEndpoint({ id, name, root }) {
      await checkNewRoot(root, gitRoot);
      return insertEndpoint(db, { id, name, root, now: clock.now() });
    },
    async deleteEndpoint(reference) {
      const endpoint = await loadEndpoint(db, reference);
      await deleteUnusedEndpoint(db, endpoint);
      // If the process dies right here the copies stay: some disk is lost, nothing else. No later endpoint has this id.
      for (const kind of ['mirrors', 'checkouts']) await rm(path.join(folder, kind, endpoint.id), { recursive: true, force: true });
    },
    async listRepositories(reference) {
      const endpoint = await loadEndpoint(db, reference);
      return listRepositoriesBelow(await rootOf(endpoint, endpoint.name));
    },
    listBranches: async (endpoint, repository) => listBranchesOf(git, repositoryAt(await loadEndpoint(db, endpoint), repository)),
    listCommits: async (endpoint, repository, ask) => listCommitsOf(git, mirror, repositoryAt(await loadEndpoint(db, endpoint), repository), ask),

    removeLeftovers: () => rm(path.join(folder, 'tmp'), { recursive: true, force: true }),
  };
}

async function checkNewRoot(root: string, gitRoot: string | null): Promise<void> {
  const refuse = (details: string): SodateError => new SodateError('invalid-request', { details: `body.root: ${details}` });
  if (gitRoot === null)
    throw refuse('local git endpoints are switched off. Set SODATE_GIT_ROOT to the folder that holds your repositories, and restart the server');
  if (!path.isAbsolute(root) || root.includes('\0')) throw refuse('must be an absolute path on the server');
  const allowed = await realpath(gitRoot).catch(() => null);
  if (allowed === null) throw refuse(`SODATE_GIT_ROOT is ${gitRoot}, which does not exist on the server`);
  const real = await realpath(root).catch(() => null);
  // One text whether it is missing or elsewhere: this must not become a way to ask what the server's disk holds.
  if (real === null || !isBelow(real, allowed) || !(await stat(real)).isDirectory())
    throw refuse(`must be an existing folder at or below SODATE_GIT_ROOT, which is ${gitRoot}`);
}

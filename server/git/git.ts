import { type Branch, type ListedCommit, listBranchesOf, listCommitsOf } from '#git/browse-repository.ts';
import { makeGitCheckout } from '#git/git-checkout.ts';
import { removeGitCredentialsOf } from '#git/git-credential-store.ts';
import { deleteUnusedEndpoint, loadEndpoint, loadEndpoints, type StoredEndpoint } from '#git/git-endpoint-store.ts';
import { makeLfsContent } from '#git/lfs-content.ts';
import { findCopies } from '#git/find-copies.ts';
import { makeGitCopies, readCopiesMemory } from '#git/git-copies.ts';
import { makeGitMirror, mirrorFolder, type RepositoryAt } from '#git/git-mirror.ts';
import type { HostKey } from '#git/host-keys.ts';
import { type AskedEndpoint, type AskedHostKeys, type EndpointChange, makeEndpointRegistry } from '#git/register-endpoint.ts';
import { makeRepositories, type Reader } from '#git/repository-at.ts';
import { listRepositoriesAt, type RepositoryPage, type RepositoryQuery } from '#git/listing/list-repositories.ts';
import { resolveRevision } from '#git/resolve-source.ts';
import { DEFAULT_GIT_SEARCH_PATH, makeRunGit } from '#git/run-git.ts';
import { makeRunProgram } from '#git/run-program.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Log } from '#kit/log.ts';
import type { SealedSecrets } from '#kit/sealed-secrets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { GitSource, ResolvedGitSource } from '@sodate/contract/git.ts';
import type { GitEndpointId, TenantId, UserId } from '@sodate/contract/ids.ts';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';

/** For whom something is read: a person in a tenant. */
export type GitReader = NonNullable<Reader>;

/**
 * The code that runs use: where repositories come from, what a branch means now, and a commit's files on disk.
 *
 * Promises: a commit that `resolveSource` answered can be checked out as long as a run that has not ended names it,
 * whatever becomes of its origin (what it takes from elsewhere, submodules and the content of Git LFS, is there for
 * certain only after its first checkout). For ended runs too, while the copies fit their budget; beyond it what was not
 * used for longest is removed, and brought again from its origin when asked for.
 * Git never runs anything that a repository brings along (hooks, filters, configuration) and never asks. It reads folders
 * below an endpoint's root and speaks with servers that a system admin registered, with nobody else. What a reader's
 * credential may not read there, that reader does not get from the mirrors either. Every error is one of the catalogue,
 * and none holds anything secret.
 *
 * A reader that is null is nobody: it reads folders of this machine, and what servers show to everybody.
 */
export interface Git {
  /** Without an endpoint the first registered one is meant. The commit is kept before this returns. */
  resolveSource(source: z.infer<typeof GitSource>, reader?: Reader): Promise<ResolvedGitSource>;
  /** Makes sure that the commit is kept. Touches the origin only when it is not. */
  ensureMirror(endpoint: GitEndpointId, repository: string, commit: string, reader?: Reader): Promise<void>;
  /**
   * A folder with the commit's files and a small `.git`. Shared and read only: jobs get copies. It is there for certain
   * only within `holding`.
   * @param reader who was answered this commit by `resolveSource`; asked for only where something may be missing or has more than one owner
   */
  ensureCheckout(endpoint: GitEndpointId, repository: string, commit: string, reader?: () => Promise<Reader>): Promise<string>;
  /** What `ensureCheckout` answers while `work` goes on stays until that has ended. */
  holding<Result>(work: () => Promise<Result>): Promise<Result>;

  listEndpoints(): Promise<readonly StoredEndpoint[]>;
  createEndpoint(endpoint: AskedEndpoint): Promise<StoredEndpoint>;
  updateEndpoint(reference: string, change: EndpointChange): Promise<StoredEndpoint>;
  deleteEndpoint(reference: string): Promise<void>;
  /** The public keys that an SSH server shows now, or those of a text; nothing is kept. */
  readHostKeys(ask: AskedHostKeys): Promise<readonly HostKey[]>;
  listRepositories(endpoint: string, query: RepositoryQuery, reader?: Reader): Promise<RepositoryPage>;
  listBranches(endpoint: string, repository: string, reader?: Reader): Promise<readonly Branch[]>;
  listCommits(
    endpoint: string,
    repository: string,
    ask: { readonly revision?: string | undefined; readonly limit: number; readonly skip: number },
    reader?: Reader,
  ): Promise<readonly ListedCommit[]>;

  /** Removes mirrors and checkouts that are not in use, those first that were not used for longest, until the rest fits the budget. */
  keepWithinBudget(): Promise<void>;
  /** Removes what killed processes left half-made. Only while no other process uses the same home. */
  removeLeftovers(): Promise<void>;
  /** Ends every git that runs; what is asked afterwards fails with `shutting-down`. */
  close(): void;
}

/** For when a person leaves a tenant: what they signed in with there is forgotten. */
export async function forgetGitCredentialsOf(db: Database, tenant: TenantId, user: UserId): Promise<void> {
  await removeGitCredentialsOf(db, tenant, user);
}

/** @param parts.folder is ours alone; `gitRoot` null switches endpoints of local folders off */
export function makeGit(parts: {
  readonly db: Database;
  readonly folder: string;
  readonly gitRoot: string | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly sealed: SealedSecrets;
  readonly searchPath?: string;
  /** How long a server may say nothing; 60 s if left out. */
  readonly silenceLimitMs?: number;
  /** Bytes that mirrors and checkouts may take; without a limit if left out. */
  readonly budgetBytes?: number;
  /** A file of certificates of authorities that git trusts beside the system's. Node must have been started with the same. */
  readonly extraAuthorities?: string | null;
}): Git {
  const { db, folder, searchPath = DEFAULT_GIT_SEARCH_PATH, silenceLimitMs = SILENCE_LIMIT_MS } = parts;
  const programs = makeRunProgram();
  const git = makeRunGit({ folder, searchPath, log: parts.log, programs });
  const copies = makeGitCopies({ ...parts, budgetBytes: parts.budgetBytes ?? Infinity, mirrorOf: (at) => mirrorFolder(folder, at) });
  const mirror = makeGitMirror({ folder, git, copies });
  const repositories = makeRepositories({ ...parts, silenceLimitMs, extraAuthorities: parts.extraAuthorities ?? null });
  const lfs = makeLfsContent({ folder, git, mirror, programs, searchPath, repositories, silenceLimitMs });
  const checkout = makeGitCheckout({ db, folder, git, copies, mirror, repositories, lfs });
  const registry = makeEndpointRegistry({ ...parts, programs, searchPath });

  const find = async (endpoint: string, repository: string, reader: Reader): Promise<RepositoryAt> =>
    repositories.at(await loadEndpoint(db, endpoint), repository, reader);

  async function firstEndpoint(): Promise<StoredEndpoint> {
    const [first] = await loadEndpoints(db);
    if (first) return first;
    throw new SodateError('invalid-request', { details: 'git: no git endpoint is registered. A system admin registers one: sodate git add NAME ADDRESS' });
  }

  return {
    async resolveSource(source, reader = null) {
      const endpoint = source.endpoint === undefined ? await firstEndpoint() : await loadEndpoint(db, source.endpoint);
      const commit = await copies.holding(() => resolveRevision(git, mirror, repositories.at(endpoint, source.repository, reader), source.revision));
      return { endpoint: { id: endpoint.id, name: endpoint.name }, repository: source.repository, revision: source.revision ?? null, commit };
    },
    ensureMirror: (endpoint, repository, commit, reader = null) =>
      copies.holding(async () => {
        if (await mirror.isKept({ endpoint, repository }, commit)) return;
        await mirror.keep(await find(endpoint, repository, reader), commit);
      }),
    ensureCheckout: (endpoint, repository, commit, reader = async () => null) =>
      copies.holding(() => checkout({ endpoint, repository, commit, at: async () => find(endpoint, repository, await reader()) })),
    holding: copies.holding,

    listEndpoints: () => loadEndpoints(db),
    createEndpoint: registry.create,
    readHostKeys: registry.readHostKeys,
    updateEndpoint: async (reference, change) => registry.update(await loadEndpoint(db, reference), change),
    async deleteEndpoint(reference) {
      const endpoint = await loadEndpoint(db, reference);
      await deleteUnusedEndpoint(db, endpoint);
      // If the process dies right here the copies stay: some disk is lost, nothing else. No later endpoint has this id.
      for (const kind of ['mirrors', 'checkouts']) await rm(path.join(folder, kind, endpoint.id), { recursive: true, force: true });
    },
    async listRepositories(reference, query, reader = null) {
      const endpoint = await loadEndpoint(db, reference);
      const credential = endpoint.kind === 'local' ? null : await repositories.credentialFor(endpoint, reader);
      return listRepositoriesAt(parts, endpoint, credential, query);
    },
    listBranches: async (endpoint, repository, reader = null) => listBranchesOf(git, await find(endpoint, repository, reader)),
    listCommits: (endpoint, repository, ask, reader = null) =>
      copies.holding(async () => listCommitsOf(git, mirror, await find(endpoint, repository, reader), ask)),

    keepWithinBudget: copies.keepWithinBudget,
    removeLeftovers: () => rm(path.join(folder, 'tmp'), { recursive: true, force: true }),
    close() {
      copies.close();
      programs.close();
    },
  };
}

/** How much the copies of repositories take, as it was when the server last looked: once a minute. @param folder the same as of `makeGit` */
export async function describeGitCopies(folder: string): Promise<{ readonly mirrors: number; readonly checkouts: number; readonly bytes: number }> {
  const [found, memory] = await Promise.all([findCopies(folder), readCopiesMemory(folder)]);
  const count = (kind: 'mirror' | 'checkout'): number => found.filter((copy) => copy.kind === kind).length;
  return { mirrors: count('mirror'), checkouts: count('checkout'), bytes: found.reduce((sum, { name }) => sum + (memory[name]?.bytes ?? 0), 0) };
}

/** A server that computes what to send tells its progress all the while. */
const SILENCE_LIMIT_MS = 60_000;

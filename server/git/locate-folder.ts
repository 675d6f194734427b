import type { StoredFolder } from '#git/git-endpoint-store.ts';
import { EscapesRoot, findRepository, isBelow, listRepositoriesBelow } from '#git/local-repositories.ts';
import type { Log } from '#kit/log.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/** An error text names so many repositories, no more. */
const NAMED_REPOSITORIES = 20;

interface Parts {
  /** null switches endpoints of local folders off. */
  readonly gitRoot: string | null;
  readonly log: Log;
}

/** The endpoint's folder as it is now; it may have been moved or replaced since it was registered. */
export async function rootOf({ gitRoot, log }: Parts, endpoint: StoredFolder, about: string): Promise<string> {
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

/** The git directory of a repository in the endpoint's folder. @throws SodateError `git-repository-not-found`, `git-failed` */
export async function locateInFolder(parts: Parts, endpoint: StoredFolder, repository: string): Promise<string> {
  const root = await rootOf(parts, endpoint, repository);
  const found = await findRepository(root, repository).catch((error: unknown) => {
    if (!(error instanceof EscapesRoot)) throw error;
    parts.log.warn({ err: error, endpoint: endpoint.name, repository }, 'a repository leads outside its endpoint and is not used');
    return null;
  });
  if (found !== null) return found;
  const known = await listRepositoriesBelow(root);
  const names = known.slice(0, NAMED_REPOSITORIES).join(', ') + (known.length > NAMED_REPOSITORIES ? ', …' : '');
  throw new SodateError('git-repository-not-found', { repository, endpoint: endpoint.name, known: names === '' ? 'none' : names });
}

/** @throws SodateError `invalid-request` unless it is an existing folder at or below the one that the configuration allows */
export async function checkNewRoot(root: string, gitRoot: string | null): Promise<void> {
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

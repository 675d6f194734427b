import type { GitMirror, RepositoryAt } from '#git/git-mirror.ts';
import { isShallow } from '#git/local-repositories.ts';
import { type OriginRefs, readOriginRefs } from '#git/read-origin-refs.ts';
import type { RunGit } from '#git/run-git.ts';
import { SodateError } from '@sodate/contract/errors.ts';

/**
 * Finds the commit that a revision means now, and keeps it. A branch wins over a tag of the same name, as in
 * `git checkout`; then a full commit id, also of one that no branch reaches any more; then an abbreviated one.
 * The origin is not asked for a kept commit of a repository that the reader was lately seen to be allowed to read.
 * @throws SodateError `git-revision-not-found`, `git-failed`
 */
export async function resolveRevision(git: RunGit, mirror: GitMirror, at: RepositoryAt, revision: string | undefined): Promise<string> {
  const digits = revision?.toLowerCase() ?? '';
  if (FULL_ID.test(digits) && (await at.mayRead()) && (await mirror.isKept(at, digits))) return digits;
  const refs = await readRefs(git, at);
  if (isEmpty(refs) && at.source.kind !== 'local')
    throw new SodateError('git-failed', { repository: at.repository, reason: 'it is empty, or what answers under this name is no git repository' });
  const commit = await findCommit(mirror, at, revision ?? 'HEAD', refs);
  // A tag may point to something that is no commit; `keep` tells.
  await mirror.keep(at, commit);
  return commit;
}

/** The origin's refs. Whoever gets them may read the repository, and is remembered as such. */
export async function readRefs(git: RunGit, at: RepositoryAt): Promise<OriginRefs> {
  return at.withOrigin(async (origin) => {
    if (origin.reach === null && (await isShallow(origin.address)))
      throw new SodateError('git-failed', { repository: at.repository, reason: 'it is a shallow clone. Complete it there with: git fetch --unshallow' });
    const refs = await readOriginRefs(git, at.repository, origin);
    // A page that answers whatever is asked, such as one to sign in, looks to git like an empty repository: it proves nothing.
    if (!isEmpty(refs)) await at.recordRead();
    return refs;
  });
}

const isEmpty = ({ head, branches, tags }: OriginRefs): boolean => head === null && branches.size === 0 && tags.size === 0;

const FULL_ID = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

async function findCommit(mirror: GitMirror, at: RepositoryAt, revision: string, refs: OriginRefs): Promise<string> {
  const notFound = (name: string): SodateError => new SodateError('git-revision-not-found', { revision: name, repository: at.repository });
  const named = revision === 'HEAD' ? refs.head : findRef(refs, revision);
  if (named !== null) return named;
  const digits = revision.toLowerCase();
  if (FULL_ID.test(digits)) return digits;
  const [tip, ...tips] = new Set([...refs.branches.values(), ...refs.tags.values()]);
  if (tip === undefined || !/^[0-9a-f]{4,63}$/.test(digits)) throw notFound(revision);
  const found = await mirror.findAbbreviated(at, digits, [tip, ...tips]);
  if (found === 'none') throw notFound(revision);
  if (found === 'several') throw notFound(`${revision} (several commits begin with it)`);
  return found.commit;
}

function findRef(refs: OriginRefs, revision: string): string | null {
  const branch = revision.startsWith('refs/heads/') ? revision.slice('refs/heads/'.length) : revision;
  const tag = revision.startsWith('refs/tags/') ? revision.slice('refs/tags/'.length) : revision;
  return refs.branches.get(branch) ?? refs.tags.get(tag) ?? null;
}

import type { GitCopies } from '#git/git-copies.ts';
import { exists, type GitMirror, renameUnlessThere, type RepositoryAt } from '#git/git-mirror.ts';
import type { LfsContent } from '#git/lfs-content.ts';
import { makeTurns } from '#git/make-turns.ts';
import type { Repositories } from '#git/repository-at.ts';
import { readRefs } from '#git/resolve-source.ts';
import type { RunGit } from '#git/run-git.ts';
import { locateSubmodule, readSubmodules, refused, type Submodule } from '#git/submodules.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import { type ErrorCode, isSodateError } from '@sodate/contract/errors.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** A submodule of a submodule of …: deeper is a mistake or made to hurt. */
const NESTING_LIMIT = 5;
const SUBMODULES_IN_ALL_LIMIT = 200;

export interface AskedCheckout {
  readonly endpoint: GitEndpointId;
  readonly repository: string;
  readonly commit: string;
  /** The repository as seen by whom it is for. Not asked when the checkout is there, the same for everybody. */
  at(): Promise<RepositoryAt>;
}

/**
 * Checked-out commits, each made once: the working tree and a `.git` of its own with that one commit, detached, without
 * a remote, so that `git rev-parse HEAD`, `git log -1` and `git status` work in a job that has no network. Jobs get
 * copies, never the folder itself. Submodules are checked out within, in the same way, and content of Git LFS stands in
 * place of its pointers.
 *
 * Whoever may read a commit may not for that read its submodules: a checkout that has some is kept for one tenant.
 */
export function makeGitCheckout(options: {
  readonly db: Database;
  readonly folder: string;
  readonly git: RunGit;
  readonly copies: Pick<GitCopies, 'use'>;
  readonly mirror: GitMirror;
  readonly repositories: Repositories;
  readonly lfs: LfsContent;
}): (asked: AskedCheckout) => Promise<string> {
  const { folder, git, copies, mirror, lfs } = options;
  const inTurn = makeTurns();

  /** The commit's own files, in a folder that is new or empty. */
  async function checkOut(at: RepositoryAt, commit: string, fresh: string): Promise<void> {
    await mirror.keep(at, commit);
    const about = at.repository;
    const inFresh = ['-C', fresh];
    await git.must(about, ['init', '--quiet', `--object-format=${commit.length === 64 ? 'sha256' : 'sha1'}`, '--', fresh]);
    // By URL, not by path: git ignores `--depth` between local paths.
    await git.must(about, [
      ...inFresh,
      '-c',
      'core.fsync=none',
      'fetch',
      '--quiet',
      '--depth=1',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--no-recurse-submodules',
      '--',
      pathToFileURL(mirror.folderOf(at)).href,
      commit,
    ]);
    await git.must(about, [...inFresh, '-c', 'core.fsync=none', '-c', 'core.logAllRefUpdates=false', 'checkout', '--quiet', '--detach', commit, '--']);
    await lfs.fill(at, fresh);
  }

  async function addSubmodule(above: RepositoryAt, submodule: Submodule, fresh: string, depth: number, count: { made: number }): Promise<void> {
    count.made += 1;
    if (depth > NESTING_LIMIT) throw refused(above.repository, submodule.path, `submodules are nested more than ${NESTING_LIMIT} deep`);
    if (count.made > SUBMODULES_IN_ALL_LIMIT)
      throw refused(above.repository, submodule.path, `there are more than ${SUBMODULES_IN_ALL_LIMIT} submodules in all`);
    const at = await locateSubmodule(options, above, submodule);
    const inside = path.join(fresh, submodule.path);
    try {
      // It may be in the mirror because another tenant may read it. The run itself is no proof of that: it names only what is above.
      if (!(await at.mayRead())) await readRefs(git, at);
      await checkOut(at, submodule.commit, inside);
    } catch (error) {
      if (isSodateError(error) && NOT_TO_BE_HAD.has(error.code)) throw refused(above.repository, submodule.path, error.message, error);
      throw error;
    }
    await addSubmodules(at, submodule.commit, inside, depth, count);
  }

  async function addSubmodules(at: RepositoryAt, commit: string, fresh: string, depth: number, count: { made: number }): Promise<boolean> {
    const submodules = await readSubmodules(git, at.repository, fresh, commit);
    for (const submodule of submodules) await addSubmodule(at, submodule, fresh, depth + 1, count);
    return submodules.length > 0;
  }

  return ({ endpoint, repository, commit, at: findAt }) => {
    const shared = path.join(folder, 'checkouts', endpoint, path.basename(mirror.folderOf({ endpoint, repository }), '.git'), commit);
    return inTurn(shared, async () => {
      copies.use(shared);
      if (await exists(shared)) return shared;
      const at = await findAt();
      const own = `${shared}-${at.reader?.tenant ?? 'nobody'}`;
      copies.use(own);
      if (await exists(own)) return own;
      const fresh = path.join(folder, 'tmp', newId<string>());
      await mkdir(path.dirname(fresh), { recursive: true });
      try {
        await checkOut(at, commit, fresh);
        const place = (await addSubmodules(at, commit, fresh, 0, { made: 0 })) ? own : shared;
        await mkdir(path.dirname(place), { recursive: true });
        // If the process dies before this line a folder is left in tmp, and the next one makes another.
        await renameUnlessThere(fresh, place);
        return place;
      } catch (error) {
        await rm(fresh, { recursive: true, force: true });
        throw error;
      }
    });
  };
}

/** Of a submodule these mean that its commit cannot be had by this reader, which no other try changes. */
const NOT_TO_BE_HAD: ReadonlySet<ErrorCode> = new Set(['git-sign-in-needed', 'git-sign-in-refused', 'git-repository-not-found', 'git-revision-not-found']);

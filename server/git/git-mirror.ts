import { makeTurns } from '#git/make-turns.ts';
import { STRICT_UPLOAD_PACK } from '#git/read-origin-refs.ts';
import { reasonIn, type RunGit } from '#git/run-git.ts';
import { newId } from '#kit/ids.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** A repository of an endpoint, and how to find its origin when that is needed. */
export interface RepositoryAt {
  readonly endpoint: GitEndpointId;
  readonly repository: string;
  /** Git directory of the origin. Asked only when something has to be fetched. */
  origin(): Promise<string>;
}

/**
 * Bare copies of the repositories that runs use. A commit counts as kept when the mirror has a ref for it, and it gets
 * one only after git has checked that everything it needs is there; from then on the origin may lose it.
 *
 * No git lock is ever taken (fetching stores objects only, and the ref is a file of its own renamed into place), so
 * several processes may work on one mirror, and one that is killed leaves nothing that stops the next.
 */
export interface GitMirror {
  folderOf(at: Pick<RepositoryAt, 'endpoint' | 'repository'>): string;
  isKept(at: RepositoryAt, commit: string): Promise<boolean>;
  /** @throws SodateError `git-revision-not-found` */
  keep(at: RepositoryAt, commit: string): Promise<void>;
  /** Brings these commits (the origin's branches and tags) with all before them, and answers which one begins with the digits. */
  findAbbreviated(at: RepositoryAt, digits: string, tips: readonly [string, ...string[]]): Promise<'none' | 'several' | { readonly commit: string }>;
}

const KEPT = 'refs/sodate';
const FETCH = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--no-recurse-submodules', STRICT_UPLOAD_PACK];

export function makeGitMirror(options: { readonly folder: string; readonly git: RunGit }): GitMirror {
  const { folder, git } = options;
  // Two fetches of one mirror at once would both bring the same objects: wasteful, not wrong.
  const inTurn = makeTurns();

  const folderOf: GitMirror['folderOf'] = ({ endpoint, repository }) =>
    path.join(folder, 'mirrors', endpoint, `${createHash('sha256').update(repository).digest('hex')}.git`);

  const isKept: GitMirror['isKept'] = async (at, commit) => {
    const stored = await readFile(path.join(folderOf(at), KEPT, commit), 'utf8').catch(() => '');
    return stored.trim() === commit;
  };

  async function ensureRepository(at: RepositoryAt, objectIdLength: number): Promise<string> {
    const mirror = folderOf(at);
    if (await exists(mirror)) return mirror;
    const fresh = path.join(folder, 'tmp', newId<string>());
    await mkdir(path.dirname(fresh), { recursive: true });
    await git.must(at.repository, ['init', '--quiet', '--bare', `--object-format=${objectIdLength === 64 ? 'sha256' : 'sha1'}`, '--', fresh]);
    await mkdir(path.join(fresh, KEPT), { recursive: true });
    await mkdir(path.dirname(mirror), { recursive: true });
    await renameUnlessThere(fresh, mirror);
    return mirror;
  }

  /** The ref, written so that it is whole or not there, whenever the machine stops. */
  async function writeKeptRef(mirror: string, commit: string): Promise<void> {
    const fresh = path.join(mirror, `keep-${newId<string>()}`);
    const file = await open(fresh, 'wx', 0o644);
    try {
      await file.writeFile(`${commit}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path.join(mirror, KEPT, commit));
    const refs = await open(path.join(mirror, KEPT), 'r');
    try {
      await refs.sync();
    } finally {
      await refs.close();
    }
  }

  const isCommit = async (at: RepositoryAt, mirror: string, id: string): Promise<boolean> =>
    (await git.ask(at.repository, [`--git-dir=${mirror}`, 'cat-file', '-t', id])).stdout.trim() === 'commit';

  return {
    folderOf,
    isKept,
    keep: (at, commit) =>
      inTurn(folderOf(at), async () => {
        if (await isKept(at, commit)) return;
        const origin = await at.origin();
        const mirror = await ensureRepository(at, commit.length);
        // A file system that lost what it had synced may have left the ref's name without its content, and git stops at that.
        await rm(path.join(mirror, KEPT, commit), { force: true });
        const fetched = await git.ask(at.repository, [`--git-dir=${mirror}`, ...FETCH, '--', origin, commit]);
        if (fetched.code !== 0) {
          if (/not our ref|couldn't find remote ref|unadvertised object|no such remote ref/i.test(fetched.stderr))
            throw new SodateError('git-revision-not-found', { revision: commit, repository: at.repository });
          throw new SodateError('git-failed', { repository: at.repository, reason: reasonIn(fetched.stderr) });
        }
        if (!(await isCommit(at, mirror, commit))) throw new SodateError('git-revision-not-found', { revision: commit, repository: at.repository });
        await writeKeptRef(mirror, commit);
      }),
    findAbbreviated: (at, digits, tips) =>
      inTurn(folderOf(at), async () => {
        const origin = await at.origin();
        const mirror = await ensureRepository(at, tips[0].length);
        await git.must(at.repository, [`--git-dir=${mirror}`, ...FETCH, '--stdin', '--', origin], `${tips.join('\n')}\n`);
        const answer = await git.must(at.repository, [`--git-dir=${mirror}`, 'cat-file', '--batch-check=%(objectname) %(objecttype)'], `${digits}^{commit}\n`);
        const found = /^([0-9a-f]{40,64}) commit$/m.exec(answer);
        if (found?.[1]) return { commit: found[1] };
        return answer.includes('ambiguous') ? 'several' : 'none';
      }),
  };
}

export const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

/** Puts a finished folder into its place. Whoever comes second, in this process or another, finds the first one's and drops its own. */
export async function renameUnlessThere(fresh: string, place: string): Promise<void> {
  try {
    await rename(fresh, place);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    await rm(fresh, { recursive: true, force: true });
  }
}

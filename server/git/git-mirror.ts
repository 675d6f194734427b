import type { GitReader } from '#git/git-credential-store.ts';
import type { StoredEndpoint } from '#git/git-endpoint-store.ts';
import type { GitCopies } from '#git/git-copies.ts';
import { makeTurns } from '#git/make-turns.ts';
import { type Origin, readingOptions, readOriginRefs } from '#git/read-origin-refs.ts';
import { type AskOptions, gitFailure, type RunGit } from '#git/run-git.ts';
import { newId } from '#kit/ids.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** A repository of an endpoint as one reader sees it, and how to get at its origin when that is needed. */
export interface RepositoryAt {
  readonly endpoint: GitEndpointId;
  readonly repository: string;
  readonly source: StoredEndpoint;
  readonly reader: GitReader | null;
  /** Does work that reads the origin. Asked only when something has to be fetched. */
  withOrigin<Result>(work: (origin: Origin) => Promise<Result>): Promise<Result>;
  /** Was the reader lately seen to be allowed to read it? The mirror, which all readers share, does not ask. */
  mayRead(): Promise<boolean>;
  /** The origin has just shown itself to the reader. */
  recordRead(): Promise<void>;
}

/**
 * Bare copies of the repositories that runs use. A commit counts as kept when the mirror has a ref for it, and it gets
 * one only after git has checked that everything it needs is there; from then on the origin may lose it.
 *
 * To be used within `holding` of the copies, lest a mirror is removed while one works on it.
 *
 * No git lock is ever taken (fetching stores objects only, and the ref is a file of its own renamed into place), so
 * several processes may work on one mirror, and one that is killed leaves nothing that stops the next.
 */
export interface GitMirror {
  folderOf(at: Pick<RepositoryAt, 'endpoint' | 'repository'>): string;
  isKept(at: Pick<RepositoryAt, 'endpoint' | 'repository'>, commit: string): Promise<boolean>;
  /** @throws SodateError `git-revision-not-found` */
  keep(at: RepositoryAt, commit: string): Promise<void>;
  /** Brings these commits (the origin's branches and tags) with all before them, and answers which one begins with the digits. */
  findAbbreviated(at: RepositoryAt, digits: string, tips: readonly [string, ...string[]]): Promise<'none' | 'several' | { readonly commit: string }>;
}

const KEPT = 'refs/sodate';
const FETCH = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--no-recurse-submodules'];
/** What servers say to the question for a commit that they do not have, or do not give out by its id alone. */
const NOT_GIVEN = /not our ref|couldn't find remote ref|unadvertised object|no such remote ref/i;

/** Where the mirror of a repository lies. */
export const mirrorFolder = (folder: string, { endpoint, repository }: Pick<RepositoryAt, 'endpoint' | 'repository'>): string =>
  path.join(folder, 'mirrors', endpoint, `${createHash('sha256').update(repository).digest('hex')}.git`);

export function makeGitMirror(options: { readonly folder: string; readonly git: RunGit; readonly copies: Pick<GitCopies, 'use'> }): GitMirror {
  const { folder, git, copies } = options;
  // Two fetches of one mirror at once would both bring the same objects: wasteful, not wrong.
  const inTurn = makeTurns();

  const folderOf: GitMirror['folderOf'] = (at) => mirrorFolder(folder, at);

  const isKept: GitMirror['isKept'] = async (at, commit) => {
    copies.use(folderOf(at));
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

  const fetchArgs = (mirror: string, origin: Origin): readonly string[] => [
    `--git-dir=${mirror}`,
    ...FETCH,
    ...readingOptions(origin),
    // Its progress tells a server that works from one that is silent.
    ...(origin.reach === null ? [] : ['--progress']),
  ];
  const through = (origin: Origin, input?: string): AskOptions => ({ input, reach: origin.reach ?? undefined });

  const fetchTips = (at: RepositoryAt, mirror: string, origin: Origin, tips: readonly string[]): Promise<string> =>
    git.must(at.repository, [...fetchArgs(mirror, origin), '--stdin', '--', origin.address], through(origin, `${tips.join('\n')}\n`));

  async function fetchCommit(at: RepositoryAt, mirror: string, origin: Origin, commit: string): Promise<void> {
    const gone = (): SodateError => new SodateError('git-revision-not-found', { revision: commit, repository: at.repository });
    const fetched = await git.ask(at.repository, [...fetchArgs(mirror, origin), '--', origin.address, commit], through(origin));
    if (fetched.code === 0) {
      if (!(await isCommit(at, mirror, commit))) throw gone();
      return;
    }
    if (!NOT_GIVEN.test(fetched.stderr)) throw gitFailure(at.repository, fetched.stderr, origin.reach ?? undefined);
    if (origin.reach === null) throw gone();
    // Some servers give out no commit by its id unless a branch or tag is just there: then all of these are brought.
    const refs = await readOriginRefs(git, at.repository, origin);
    const tips = [...new Set([...refs.branches.values(), ...refs.tags.values()])];
    if (tips.length === 0) throw gone();
    await fetchTips(at, mirror, origin, tips);
    if (!(await isCommit(at, mirror, commit))) throw gone();
    // Whole, not a left-over of a fetch that was killed: what it needs beyond the tips must be there too.
    const whole = await git.ask(at.repository, [`--git-dir=${mirror}`, 'rev-list', '--quiet', '--objects', '--stdin', '--'], {
      input: [commit, ...tips.map((tip) => `^${tip}`)].join('\n'),
    });
    if (whole.code !== 0) throw gone();
  }

  return {
    folderOf,
    isKept,
    keep: (at, commit) =>
      inTurn(folderOf(at), async () => {
        if (await isKept(at, commit)) return;
        await at.withOrigin(async (origin) => {
          const mirror = await ensureRepository(at, commit.length);
          // A file system that lost what it had synced may have left the ref's name without its content, and git stops at that.
          await rm(path.join(mirror, KEPT, commit), { force: true });
          await fetchCommit(at, mirror, origin, commit);
        });
        await writeKeptRef(folderOf(at), commit);
      }),
    findAbbreviated: (at, digits, tips) =>
      inTurn(folderOf(at), async () => {
        const mirror = folderOf(at);
        copies.use(mirror);
        await at.withOrigin(async (origin) => fetchTips(at, await ensureRepository(at, tips[0].length), origin, tips));
        const answer = await git.must(at.repository, [`--git-dir=${mirror}`, 'cat-file', '--batch-check=%(objectname) %(objecttype)'], {
          input: `${digits}^{commit}\n`,
        });
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

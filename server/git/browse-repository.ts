import type { GitMirror, RepositoryAt } from '#git/git-mirror.ts';
import { readRefs, resolveRevision } from '#git/resolve-source.ts';
import type { RunGit } from '#git/run-git.ts';

const LISTED_BRANCHES_LIMIT = 1_000;
/** Longer messages are cut in lists. */
const MESSAGE_LENGTH_LIMIT = 10_000;

export interface Branch {
  readonly name: string;
  readonly commit: string;
  readonly isDefault: boolean;
}

export interface ListedCommit {
  readonly id: string;
  readonly author: string;
  readonly message: string;
  readonly committedAt: string;
}

/** The default branch first, the others by name. */
export async function listBranchesOf(git: RunGit, at: RepositoryAt): Promise<readonly Branch[]> {
  const refs = await readRefs(git, at);
  const branches = [...refs.branches].map(([name, commit]) => ({ name, commit, isDefault: name === refs.defaultBranch }));
  branches.sort((a, b) => Number(b.isDefault) - Number(a.isDefault) || (a.name < b.name ? -1 : 1));
  return branches.slice(0, LISTED_BRANCHES_LIMIT);
}

/** Read from the mirror, which therefore gets the revision's history when it lacks it. */
export async function listCommitsOf(
  git: RunGit,
  mirror: GitMirror,
  at: RepositoryAt,
  ask: { readonly revision?: string | undefined; readonly limit: number; readonly skip: number },
): Promise<readonly ListedCommit[]> {
  const commit = await resolveRevision(git, mirror, at, ask.revision);
  const listing = await git.must(at.repository, [
    `--git-dir=${mirror.folderOf(at)}`,
    'log',
    '-z',
    '--format=%H%x00%an%x00%cI%x00%B',
    `--max-count=${ask.limit}`,
    `--skip=${ask.skip}`,
    commit,
    '--',
  ]);
  return parseCommits(listing);
}

function parseCommits(listing: string): readonly ListedCommit[] {
  const fields = listing.split('\0');
  const commits: ListedCommit[] = [];
  for (let at = 0; at + 3 < fields.length; at += 4) {
    const [id = '', author = '', when = '', message = ''] = fields.slice(at, at + 4);
    const committedAt = new Date(when);
    // A commit made by hand may carry a date that is none.
    commits.push({
      id,
      author,
      message: message.trimEnd().slice(0, MESSAGE_LENGTH_LIMIT),
      committedAt: Number.isNaN(committedAt.getTime()) ? new Date(0).toISOString() : committedAt.toISOString(),
    });
  }
  return commits;
}

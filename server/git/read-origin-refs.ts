import type { Reach, RunGit } from '#git/run-git.ts';

/** Where a repository is read from: a folder of this machine, or a server. */
export interface Origin {
  /** A git directory, or an address. */
  readonly address: string;
  /** How git reaches it; null for a folder. */
  readonly reach: Reach | null;
}

/**
 * Makes git read a folder by exactly that name. Without `--strict` it would try `<folder>/.git` first, which could be
 * a file that leads elsewhere. To a server it would be a command that it does not know.
 */
export const readingOptions = ({ reach }: Origin): readonly string[] => (reach === null ? ['--upload-pack=git-upload-pack --strict'] : []);

export interface OriginRefs {
  /** What HEAD points to; null in an empty repository or when HEAD is detached. */
  readonly defaultBranch: string | null;
  readonly head: string | null;
  /** Name → commit. */
  readonly branches: ReadonlyMap<string, string>;
  /** Name → what the tag says in the end (annotated tags are followed). */
  readonly tags: ReadonlyMap<string, string>;
}

/**
 * Asks an origin for its refs. The origin is read by upload-pack alone, which git holds safe for repositories of people
 * one does not trust: nothing in its configuration or hooks is run.
 */
export async function readOriginRefs(git: RunGit, about: string, origin: Origin): Promise<OriginRefs> {
  const args = ['ls-remote', '--symref', ...readingOptions(origin), '--', origin.address];
  return parseOriginRefs(await git.must(about, args, { reach: origin.reach ?? undefined }));
}

function parseOriginRefs(listing: string): OriginRefs {
  const branches = new Map<string, string>();
  const tags = new Map<string, string>();
  let defaultBranch: string | null = null;
  let head: string | null = null;
  for (const line of listing.split('\n')) {
    const [left = '', ref = ''] = line.split('\t');
    if (ref === 'HEAD' && left.startsWith('ref: refs/heads/')) defaultBranch = left.slice('ref: refs/heads/'.length);
    else if (ref === 'HEAD') head = left;
    else if (ref.startsWith('refs/heads/')) branches.set(ref.slice('refs/heads/'.length), left);
    // The line of the tag object itself comes before that of what it points to, so the latter stays.
    else if (ref.startsWith('refs/tags/')) tags.set(ref.slice('refs/tags/'.length).replace(/\^\{\}$/, ''), left);
  }
  return { defaultBranch, head, branches, tags };
}

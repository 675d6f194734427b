import { exists, type GitMirror, renameUnlessThere, type RepositoryAt } from '#git/git-mirror.ts';
import { makeTurns } from '#git/make-turns.ts';
import type { RunGit } from '#git/run-git.ts';
import { newId } from '#kit/ids.ts';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Checked-out commits, each made once: the working tree and a `.git` of its own with that one commit, detached, without
 * a remote, so that `git rev-parse HEAD`, `git log -1` and `git status` work in a job that has no network. Jobs get
 * copies, never the folder itself.
 */
export function makeGitCheckout(options: {
  readonly folder: string;
  readonly git: RunGit;
  readonly mirror: GitMirror;
}): (at: RepositoryAt, commit: string) => Promise<string> {
  const { folder, git, mirror } = options;
  const inTurn = makeTurns();

  return (at, commit) => {
    const source = mirror.folderOf(at);
    const place = path.join(folder, 'checkouts', at.endpoint, path.basename(source, '.git'), commit);
    return inTurn(place, async () => {
      if (await exists(place)) return place;
      await mirror.keep(at, commit);
      const fresh = path.join(folder, 'tmp', newId<string>());
      await mkdir(path.dirname(fresh), { recursive: true });
      const about = at.repository;
      const inFresh = ['-C', fresh];
      try {
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
          pathToFileURL(source).href,
          commit,
        ]);
        await git.must(about, [...inFresh, '-c', 'core.fsync=none', '-c', 'core.logAllRefUpdates=false', 'checkout', '--quiet', '--detach', commit, '--']);
        await mkdir(path.dirname(place), { recursive: true });
        // If the process dies before this line a folder is left in tmp, and the next one makes another.
        await renameUnlessThere(fresh, place);
      } catch (error) {
        await rm(fresh, { recursive: true, force: true });
        throw error;
      }
      return place;
    });
  };
}

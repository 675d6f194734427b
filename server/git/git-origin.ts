import { DEFAULT_GIT_SEARCH_PATH } from '#git/run-git.ts';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** For tests: runs git in a folder and answers what it printed. */
export const gitIn = (folder: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=Hana', '-c', 'user.email=hana@example.org', '-c', 'init.defaultBranch=main', '-c', 'commit.gpgSign=false', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: DEFAULT_GIT_SEARCH_PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

export const hasGit = (): boolean => {
  try {
    return execFileSync('git', ['--version']).length > 0;
  } catch {
    return false;
  }
};

/** For tests: a repository with a working tree. */
export function makeOrigin(root: string, name: string): { readonly folder: string; commit(files: Readonly<Record<string, string>>, message?: string): string } {
  const folder = path.join(root, name);
  mkdirSync(folder, { recursive: true });
  gitIn(folder, 'init', '--quiet');
  return {
    folder,
    commit(files, message = 'change') {
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
        writeFileSync(path.join(folder, file), text);
      }
      gitIn(folder, 'add', '--all');
      gitIn(folder, 'commit', '--quiet', '--allow-empty', '-m', message);
      return gitIn(folder, 'rev-parse', 'HEAD');
    },
  };
}

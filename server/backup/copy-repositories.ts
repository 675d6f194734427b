import { BackupError } from '#backup/backup-error.ts';
import type { BackupWriter } from '#backup/backup-writer.ts';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Repositories lie at most this deep below the folder in which they are registered. */
const DEEPEST = 6;
const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';

/**
 * Copies every repository below `git/` as a bundle, which is consistent while others fetch into it: mirrors, with the
 * commits that runs stand on, and repositories that lie in the home themselves.
 */
export async function backUpRepositories(writer: BackupWriter, home: string): Promise<void> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'sodate-bundle-'));
  try {
    for (const root of ['git/mirrors', 'git/repositories']) {
      for await (const name of repositoriesBelow(home, root, 0)) {
        const bundle = path.join(scratch, 'repository.bundle');
        const gitDirectory = await gitDirectoryOf(path.join(home, name));
        const refs = await git(scratch, [`--git-dir=${gitDirectory}`, 'for-each-ref', '--count=1']);
        // One without a commit has nothing to keep.
        if (refs === '') continue;
        await git(scratch, [`--git-dir=${gitDirectory}`, 'bundle', 'create', '--quiet', bundle, '--all']);
        await writer.add(`${name}.bundle`, createReadStream(bundle, { highWaterMark: 1024 * 1024 }));
        await rm(bundle);
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @param name of the bundle in the backup, below `git/` */
export async function restoreRepository(backup: string, home: string, name: string): Promise<void> {
  const target = path.join(home, name.replace(/\.bundle$/, ''));
  const scratch = await mkdtemp(path.join(tmpdir(), 'sodate-bundle-'));
  try {
    const bundle = path.join(backup, name);
    const heads = await git(scratch, ['bundle', 'list-heads', bundle]);
    const format = /^[0-9a-f]{64} /.test(heads) ? 'sha256' : 'sha1';
    await mkdir(path.dirname(target), { recursive: true });
    await git(scratch, ['init', '--quiet', '--bare', `--object-format=${format}`, '--', target]);
    // By its ref's own name: HEAD is the one name that does not begin with refs/.
    await git(scratch, [`--git-dir=${target}`, 'fetch', '--quiet', '--no-write-fetch-head', '--', bundle, '+refs/*:refs/*']);
    const head = /^([0-9a-f]+) HEAD$/m.exec(heads)?.[1];
    const branch = head === undefined ? null : new RegExp(`^${head} (refs/heads/.+)$`, 'm').exec(heads)?.[1];
    if (branch) await git(scratch, [`--git-dir=${target}`, 'symbolic-ref', 'HEAD', branch]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function* repositoriesBelow(home: string, name: string, depth: number): AsyncGenerator<string> {
  const folder = path.join(home, name);
  if ((await gitDirectoryOf(folder)) !== '') return yield name;
  if (depth === DEEPEST) return;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) yield* repositoriesBelow(home, `${name}/${entry.name}`, depth + 1);
  }
}

/** Empty where there is none. */
async function gitDirectoryOf(folder: string): Promise<string> {
  for (const candidate of [path.join(folder, '.git'), folder]) {
    const [head, objects] = await Promise.all(['HEAD', 'objects'].map((part) => stat(path.join(candidate, part)).catch(() => null)));
    if (head?.isFile() === true && objects?.isDirectory() === true) return candidate;
  }
  return '';
}

/** Without a shell, the server's environment, hooks, or any configuration but ours. */
async function git(scratch: string, args: readonly string[]): Promise<string> {
  const configuration = path.join(scratch, 'gitconfig');
  await writeFile(
    configuration,
    '[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n\tfsync = all\n[gc]\n\tauto = 0\n[init]\n\ttemplateDir =\n\tdefaultBranch = main\n',
  );
  const env = { PATH: SEARCH_PATH, HOME: scratch, LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: configuration, GIT_TERMINAL_PROMPT: '0' };
  return new Promise((resolve, reject) => {
    execFile('git', [...args], { env, cwd: scratch, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new BackupError(`git could not ${args.find((word) => /^[a-z]/.test(word)) ?? 'run'}: ${stderr.trim() || error.message}`, { cause: error }));
    });
  });
}

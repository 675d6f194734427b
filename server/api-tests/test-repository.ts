import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export interface TestRepository {
  readonly name: string;
  readonly folder: string;
  /** The commit of the branch `main`. */
  readonly commit: string;
  /** Adds a commit with these files to `main`. @returns its id */
  commitFiles(files: Readonly<Record<string, string>>): Promise<string>;
}

/** A git repository below `root`, with one commit on `main`. */
export async function makeTestRepository(root: string, name: string): Promise<TestRepository> {
  const folder = path.join(root, name);
  await mkdir(folder, { recursive: true });
  const git = async (...words: string[]): Promise<string> => {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false', '-c', 'init.defaultBranch=main'];
    return (await promisify(execFile)('git', [...identity, ...words], { cwd: folder })).stdout.trim();
  };
  const commitFiles = async (files: Readonly<Record<string, string>>): Promise<string> => {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
      await writeFile(path.join(folder, file), text);
    }
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'A change');
    return git('rev-parse', 'HEAD');
  };
  await git('init', '--quiet');
  return { name, folder, commit: await commitFiles({ 'README.md': '# Model\n' }), commitFiles };
}

import { RepositoryName } from '@sodate/contract/git.ts';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/** A listing looks this many folders below the root, and at so many folders at most. */
const LISTED_DEPTH = 4;
const VISITED_FOLDERS_LIMIT = 5_000;
const LISTED_REPOSITORIES_LIMIT = 1_000;
/** Alternates may have alternates of their own; git itself follows five. */
const ALTERNATES_DEPTH = 5;

/** Where something lies outside the root although its name is below it. */
export class EscapesRoot extends Error {}

export const isBelow = (folder: string, root: string): boolean => folder === root || folder.startsWith(root.endsWith(path.sep) ? root : root + path.sep);

const realpathOrNull = (file: string): Promise<string | null> =>
  realpath(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ELOOP' || error.code === 'EACCES') return null;
    throw error;
  });

/**
 * Finds the git directory of the repository `name` below `root`, an already resolved path.
 *
 * Everything that git would read instead of it (the target of a link, of a `.git` file, a common directory, borrowed
 * object stores) must lie below the root too: whoever may write there must not be able to show the platform the rest of
 * the disk.
 * @returns null when there is no repository of that name
 * @throws {EscapesRoot}
 */
export async function findRepository(root: string, name: string): Promise<string | null> {
  if (!RepositoryName.safeParse(name).success) return null;
  const folder = await inside(root, path.join(root, name));
  if (folder === null) return null;
  return gitDirectoryOf(root, folder);
}

async function inside(root: string, file: string): Promise<string | null> {
  const real = await realpathOrNull(file);
  if (real !== null && !isBelow(real, root)) throw new EscapesRoot(`${file} leads to ${real}, outside ${root}`);
  return real;
}

async function gitDirectoryOf(root: string, folder: string): Promise<string | null> {
  const nested = await inside(root, path.join(folder, '.git'));
  if (nested === null) return (await isGitDirectory(root, folder)) ? folder : null;
  if ((await stat(nested)).isDirectory()) return (await isGitDirectory(root, nested)) ? nested : null;
  // A worktree or submodule: a file that says where its git directory is.
  const pointer = /^gitdir: (.+?)\n?$/.exec(await readSmall(nested));
  if (!pointer?.[1]) return null;
  const target = await inside(root, path.resolve(folder, pointer[1]));
  return target !== null && (await isGitDirectory(root, target)) ? target : null;
}

async function isGitDirectory(root: string, folder: string): Promise<boolean> {
  if ((await realpathOrNull(path.join(folder, 'HEAD'))) === null) return false;
  const shared = await readSmall(path.join(folder, 'commondir')).catch(() => null);
  const common = shared === null ? folder : await inside(root, path.resolve(folder, shared.trim()));
  if (common === null) return false;
  const objects = await inside(root, path.join(common, 'objects'));
  const refs = await inside(root, path.join(common, 'refs'));
  if (objects === null || refs === null) return false;
  await checkAlternates(root, objects, ALTERNATES_DEPTH);
  return true;
}

async function checkAlternates(root: string, objects: string, depth: number): Promise<void> {
  const listed = await readSmall(path.join(objects, 'info', 'alternates')).catch(() => '');
  for (const line of listed.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const store = await inside(root, path.resolve(objects, line));
    if (store !== null && depth > 0) await checkAlternates(root, store, depth - 1);
  }
}

const readSmall = async (file: string): Promise<string> => (await readFile(file, 'utf8')).slice(0, 65_536);

/** Is the repository's history cut off? The platform could not keep such commits for certain. */
export const isShallow = async (gitDirectory: string): Promise<boolean> => {
  const size = await stat(path.join(gitDirectory, 'shallow')).then(
    (found) => found.size,
    () => 0,
  );
  return size > 0;
};

/** Names of the repositories below `root`, in order. Links are not followed, and there is no looking into repositories. */
export async function listRepositoriesBelow(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  let visited = 0;
  const visit = async (name: string, depth: number): Promise<void> => {
    if (found.length >= LISTED_REPOSITORIES_LIMIT || visited >= VISITED_FOLDERS_LIMIT) return;
    visited += 1;
    if (name !== '') {
      const repository = await findRepository(root, name).catch(() => null);
      if (repository !== null) return void found.push(name);
      if (depth === 0) return;
    }
    const entries = await readdir(path.join(root, name), { withFileTypes: true }).catch(() => []);
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => (name === '' ? entry.name : `${name}/${entry.name}`));
    for (const folder of folders.sort()) if (RepositoryName.safeParse(folder).success) await visit(folder, depth - 1);
  };
  await visit('', LISTED_DEPTH);
  return found;
}

import { lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { CliError } from './cli-error.ts';

/**
 * The path of a file below a folder, whose folders are made. The name comes from the server and may have been chosen by
 * anybody.
 * @param checked folders that the caller had looked at for an earlier file, just before
 * @throws CliError when it leads out of the folder, also through a link in it
 */
export async function placeBelow(folder: string, name: string, checked = new Set<string>()): Promise<string> {
  const root = resolve(folder);
  const path = resolve(root, name);
  const odd = name.split('/').some((segment) => segment === '' || segment === '.' || segment === '..') || name.includes('\u0000') || name.includes('\\');
  const refused = new CliError(`The file name ${JSON.stringify(name)} leads out of the folder and is refused.`);
  if (odd || !path.startsWith(root === sep ? sep : root + sep)) throw refused;
  if (checked.has(dirname(path))) return path;
  await mkdir(root, { recursive: true });
  // A link below the folder is looked at before anything is made behind it.
  for (let at = root, rest = name.split('/').slice(0, -1); rest.length > 0; rest = rest.slice(1)) {
    at = join(at, rest[0] ?? '');
    if ((await lstat(at).catch(() => null))?.isSymbolicLink() === true) throw refused;
  }
  await mkdir(dirname(path), { recursive: true });
  const [realRoot, realFolder] = await Promise.all([realpath(root), realpath(dirname(path))]);
  if (realFolder !== realRoot && !realFolder.startsWith(realRoot === sep ? sep : realRoot + sep)) throw refused;
  checked.add(dirname(path));
  return path;
}

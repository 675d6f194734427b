import { realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { type LaunchSpec, type StagedFolders, StartRefused } from '../executor.ts';
import { SCRIPT_PATH } from './container-spec.ts';
import type { ResolvedMount } from './container-spec.ts';

const plain = (path: string): boolean => isAbsolute(path) && normalize(path) === path && !path.includes('\0');

/** What no container can take, said before anything is done. @throws {StartRefused} */
export function refuseImpossible({ command, environment, mounts, workingDirectory, image, limits }: LaunchSpec): void {
  const refuse = (message: string): never => {
    throw new StartRefused('user-error', message);
  };
  if (image === '' || /[\s\0]/.test(image)) refuse(`${JSON.stringify(image)} is no name of an image.`);
  const words = command.kind === 'list' ? command.argv : [command.text];
  if (words.length === 0 || words[0] === '') refuse('The command is empty.');
  if (words.some((word) => word.includes('\0'))) refuse('The command contains a zero byte.');
  for (const [name, value] of Object.entries(environment)) {
    if (name === '' || /[=\0]/.test(name) || value.includes('\0')) refuse(`The environment variable ${JSON.stringify(name)} cannot be passed to a program.`);
  }
  if (!plain(workingDirectory)) refuse(`The working directory ${JSON.stringify(workingDirectory)} is no plain absolute path.`);
  const targets = new Set<string>([SCRIPT_PATH]);
  for (const { target } of mounts) {
    if (!plain(target) || target === '/') refuse(`The path ${JSON.stringify(target)} is no place for a folder in a job.`);
    if (targets.has(target)) refuse(`Two folders are to be at ${target}.`);
    targets.add(target);
  }
  if (limits.memoryBytes < MINIMUM_MEMORY_BYTES) refuse('A container needs at least 6 MiB of memory.');
}

/** The engine refuses less. */
const MINIMUM_MEMORY_BYTES = 6 * 2 ** 20;

/**
 * Where the mounts of a spec are on this machine, with every symbolic link followed: the engine would follow those of a
 * checkout too, out of the folder and to wherever they point. @throws {StartRefused}
 */
export async function resolveMounts({ mounts }: LaunchSpec, { folders }: StagedFolders): Promise<ResolvedMount[]> {
  return Promise.all(
    mounts.map(async ({ item, subfolder, target, readOnly }) => {
      const folder = folders.get(item);
      if (folder === undefined) throw new StartRefused('platform', `The plan has no item ${JSON.stringify(item)} to be mounted at ${target}.`);
      const root = await realpath(folder);
      if (subfolder === undefined) return { source: root, target, readOnly };
      const source = await realpath(join(root, subfolder)).catch((error: NodeJS.ErrnoException) => {
        throw new StartRefused('user-error', `There is no folder ${JSON.stringify(subfolder)} to be mounted at ${target} (${error.code}).`, { cause: error });
      });
      if (source !== root && !source.startsWith(`${root}/`))
        throw new StartRefused('user-error', `The folder ${JSON.stringify(subfolder)} points out of its place.`);
      return { source, target, readOnly };
    }),
  );
}

import { realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { type LaunchSpec, type StagedFolders, StartRefused } from '../executor.ts';
import { SCRIPT_PATH } from './container-spec.ts';
import type { ResolvedMount } from './container-spec.ts';
import { runWords, type RunWords } from '@sodate/contract/run-words.ts';

const plain = (path: string): boolean => isAbsolute(path) && normalize(path) === path && !path.includes('\0');

/** What no container can take, said before anything is done. @throws {StartRefused} */
export function refuseImpossible({ command, environment, mounts, workingDirectory, image, limits }: LaunchSpec): void {
  const refuse = (words: RunWords): never => {
    throw new StartRefused('user-error', words);
  };
  if (image === '' || /[\s\0]/.test(image)) refuse(runWords('image-name-wrong', { image: JSON.stringify(image) }));
  const words = command.kind === 'list' ? command.argv : [command.text];
  if (words.length === 0 || words[0] === '') refuse(runWords('command-empty'));
  if (words.some((word) => word.includes('\0'))) refuse(runWords('command-with-nul'));
  for (const [name, value] of Object.entries(environment)) {
    if (name === '' || /[=\0]/.test(name) || value.includes('\0')) refuse(runWords('variable-unusable', { name: JSON.stringify(name) }));
  }
  if (!plain(workingDirectory)) refuse(runWords('working-directory-unusable', { folder: JSON.stringify(workingDirectory) }));
  const targets = new Set<string>([SCRIPT_PATH]);
  for (const { target } of mounts) {
    if (!plain(target) || target === '/') refuse(runWords('mount-target-unusable', { target: JSON.stringify(target) }));
    if (targets.has(target)) refuse(runWords('mounts-clash', { target }));
    targets.add(target);
  }
  if (limits.memoryBytes < MINIMUM_MEMORY_BYTES) refuse(runWords('memory-too-small', { mebibytes: MINIMUM_MEMORY_BYTES / 2 ** 20 }));
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
      if (folder === undefined) throw new StartRefused('platform', runWords('mount-not-staged', { item: JSON.stringify(item), target }));
      const root = await realpath(folder);
      if (subfolder === undefined) return { source: root, target, readOnly };
      const source = await realpath(join(root, subfolder)).catch((error: NodeJS.ErrnoException) => {
        throw new StartRefused('user-error', runWords('mount-folder-missing', { folder: JSON.stringify(subfolder), target }), { cause: error });
      });
      if (source !== root && !source.startsWith(`${root}/`))
        throw new StartRefused('user-error', runWords('mount-leads-out', { folder: JSON.stringify(subfolder), target }));
      return { source, target, readOnly };
    }),
  );
}

import type { Owner } from '#staging/copy-tree.ts';
import { chmod, lchown, lstat, mkdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * A folder that a job writes in, below one that it cannot write in, so that it cannot put a link in the folder's place.
 * Found again by a later attempt with what the earlier one wrote. If the process dies before the owner is set, the next
 * call sets it.
 */
export async function makeJobFolder(place: string, owner: Owner | null): Promise<void> {
  await mkdir(path.dirname(place), { recursive: true });
  const made = await mkdir(place, { mode: 0o750 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
  const found = await lstat(place);
  if (!found.isDirectory()) throw new Error(`${place} is not a folder`);
  if (made) await chmod(place, 0o750);
  if (owner !== null && (found.uid !== owner.uid || found.gid !== owner.gid)) await lchown(place, owner.uid, owner.gid);
}

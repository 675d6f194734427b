import { lstat, rename } from 'node:fs/promises';

/** Puts a finished folder into its place. @returns false when another was first; the fresh one is still where it was */
export async function settleFolder(fresh: string, place: string): Promise<boolean> {
  try {
    await rename(fresh, place);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    return false;
  }
}

/** Is there a folder, itself and not by a link? Anything else in that place is an error. */
export async function folderExists(place: string): Promise<boolean> {
  const found = await lstat(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (found !== null && !found.isDirectory()) throw new Error(`${place} is not a folder`);
  return found !== null;
}

import { realpath } from 'node:fs/promises';
import path from 'node:path';

/**
 * Does a path of a working tree lie in it without any link on the way? Git makes no other trees; what is written into one
 * afterwards must not depend on that.
 */
export async function liesPlainly(tree: string, file: string): Promise<boolean> {
  const parts = file.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git')) return false;
  const [root, parent] = await Promise.all([realpath(tree), realpath(path.join(tree, ...parts.slice(0, -1))).catch(() => null)]);
  return parent === path.join(root, ...parts.slice(0, -1));
}

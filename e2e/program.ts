import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundlePrograms } from '../scripts/bundle-programs.ts';

export const CHECKOUT = path.join(import.meta.dirname, '..');

export interface Program {
  /** The server's program, as `./sodate` starts it. */
  readonly file: string;
  remove(): Promise<void>;
}

/**
 * The program as it is shipped, built from the sources of now into a folder of the test's own: a build of dist/ meanwhile,
 * which begins by removing it, must not pull the program away from under a server that is started for the thirtieth time.
 */
export async function makeProgram(): Promise<Program> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-program-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    // Some tests run it as another user.
    await chmod(folder, 0o755);
    const dist = path.join(folder, 'dist');
    await mkdir(dist);
    await bundlePrograms(dist);
    await symlink(path.join(CHECKOUT, 'node_modules'), path.join(folder, 'node_modules'));
    return { file: path.join(dist, 'server.mjs'), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

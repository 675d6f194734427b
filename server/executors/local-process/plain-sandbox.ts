import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sandbox } from './sandbox.ts';

/**
 * No isolation: the job is a process of the server's user in a session of its own. Its folders are symbolic links below
 * `plan/root`, and paths in its environment point there; see job-environment.ts.
 */
export function makePlainSandbox(): Sandbox {
  const pathInside = (planFolder: string, target: string): string => join(planFolder, 'root', target);
  return {
    kind: 'none',
    endsWholeTree: false,
    insideFolder: (planFolder) => join(planFolder, 'inside'),
    pathInside,
    jobUser: () => null,
    shimPath: (programs) => programs.shim,
    files: ({ mounts }) => ({
      arguments: '',
      command: ['setsid'],
      async build(temporaryPlan) {
        await mkdir(join(temporaryPlan, 'root'));
        for (const { source, target } of mounts) {
          const link = pathInside(temporaryPlan, target);
          await mkdir(dirname(link), { recursive: true });
          await symlink(source, link);
        }
      },
    }),
  };
}

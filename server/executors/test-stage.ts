import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageFolders } from './executor.ts';

/** A stand-in for server/staging, for the executors' own tests: a folder per item; `input` has one file. */
export function makeTestStage(base: string): StageFolders {
  return {
    async realise(attempt, _run, plan, { jobUser }) {
      const folders = new Map<string, string>();
      for (const { name } of plan.items) {
        const folder = join(base, attempt, name);
        await mkdir(folder, { recursive: true });
        if (name === 'input') await writeFile(join(folder, 'meta.json'), '{}');
        else if (jobUser) await chown(folder, jobUser.uid, jobUser.gid);
        folders.set(name, folder);
      }
      const logFile = join(base, `${attempt}.log`);
      await writeFile(logFile, '', { flag: 'a' });
      return { folders, logFile };
    },
    async discard(attempt) {
      await rm(join(base, attempt), { recursive: true, force: true });
    },
  };
}

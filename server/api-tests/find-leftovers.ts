import { readCgroupTrees } from '#executors/local-process/cgroups.ts';
import { MARKER_NAME } from '#executors/local-process/job-environment.ts';
import { processesWithEnvironment, readProcess } from '#executors/local-process/process-table.ts';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const entriesOf = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** What attempts that have ended must not leave: processes, folders, control groups, mounts. Each as a line for people. */
export async function findLeftovers(of: {
  readonly home: string;
  readonly installation: string;
  readonly attempts: readonly string[];
}): Promise<readonly string[]> {
  const { home, installation, attempts } = of;
  const found: string[] = [];
  for (const attempt of attempts) {
    for (const pid of await processesWithEnvironment(`${MARKER_NAME}=${attempt}`)) {
      const entry = await readProcess(pid);
      if (entry && !entry.zombie) found.push(`process ${pid}: ${(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')}`);
    }
  }
  for (const folder of ['attempts', 'trash', 'staged/tmp', 'git/tmp', `executors/local-process/${installation}`]) {
    for (const name of await entriesOf(path.join(home, folder))) found.push(`folder ${folder}/${name}`);
  }
  for (const tree of readCgroupTrees()) {
    for (const group of ['', tree.ownPath]) {
      const folder = path.join(tree.mountPoint, group, `sodate-${installation}`);
      for (const name of await entriesOf(folder)) if (attempts.includes(name)) found.push(`control group ${folder}/${name}`);
    }
  }
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  for (const line of mounts.split('\n')) if (line.includes(home)) found.push(`mount ${line}`);
  return found;
}

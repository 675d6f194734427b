import { readdir, readFile, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { readCgroupTrees } from '../server/executors/local-process/cgroups.ts';
import { processesOf } from './home-processes.ts';

const entriesOf = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** Folders that hold something only while an attempt lives or a step is under way. */
const EMPTY_AT_REST = ['attempts', 'trash', 'staged/tmp', 'git/tmp'];
/**
 * Made beside their place and renamed into it: a process that was killed there left them. What a killed start leaves in
 * the folder of the executor goes an hour later, since another start may be using it.
 */
const HALF_MADE = [
  { folder: '.', name: /^(server\.json|key|server-id)\./ },
  { folder: 'postgres', name: /^(draft-|.*\.draft)/ },
  { folder: 'postgres/start-lock', name: /^draft-/ },
];

/** What a home at rest, with no server on it and every run ended, must not have. Each as a line for people. */
export async function findTraces(home: string, installation: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { pid, command } of await processesOf(home)) found.push(`process ${pid}: ${command}`);
  for (const folder of [...EMPTY_AT_REST, `executors/local-process/${installation}`]) {
    for (const name of await entriesOf(path.join(home, folder))) found.push(`folder ${folder}/${name}`);
  }
  for (const { folder, name } of HALF_MADE) {
    for (const entry of await entriesOf(path.join(home, folder))) if (name.test(entry)) found.push(`half-made ${folder}/${entry}`);
  }
  const locks = path.join(home, 'postgres/start-lock');
  for (const name of await entriesOf(locks)) if ((await readFile(path.join(locks, name), 'utf8')) !== '') found.push(`lock postgres/start-lock/${name}`);
  found.push(...(await findControlGroups(installation)), ...(await findMounts(home)));
  return found;
}

/** Where the control groups of an installation's jobs would be. */
const controlGroupsOf = (installation: string): string[] =>
  readCgroupTrees().flatMap((tree) => [...new Set(['', tree.ownPath])].map((group) => path.join(tree.mountPoint, group, `sodate-${installation}`)));

/** What servers that were killed leave of them. For cleaning up, when no process of the home lives any more. */
export async function removeControlGroups(home: string): Promise<void> {
  for (const installation of await entriesOf(path.join(home, 'executors/local-process'))) {
    if (installation.startsWith('.')) continue;
    for (const folder of controlGroupsOf(installation)) {
      for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
        if (entry.isDirectory()) await rmdir(path.join(folder, entry.name)).catch(() => {});
      await rmdir(folder).catch(() => {});
    }
  }
}

async function findControlGroups(installation: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of controlGroupsOf(installation)) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) found.push(`control group ${folder}/${entry.name}`);
  }
  return found;
}

/** In our own view of the file systems and in that of every other process. A mount of the whole home is the test's own. */
async function findMounts(home: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))) {
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
    for (const line of mounts.split('\n')) if (line.includes(`${home}/`)) found.push(`mount seen by ${pid}: ${line}`);
  }
  return found;
}

import { makeBackupWriter } from '#backup/backup-writer.ts';
import { backUpRuns } from '#backup/copy-runs.ts';
import { newId } from '#kit/ids.ts';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);
/** Nearly as long as a name may be. */
const LONG_NAME = 'n'.repeat(200);

/** A home with one run whose output is what the script leaves in its working folder, and what a backup of it has. */
async function backUp(script: string, { nested = 1 } = {}): Promise<{ readonly files: readonly string[]; readonly troubles: readonly string[] }> {
  const base = await mkdtemp(path.join(tmpdir(), 'sodate-backup-'));
  // Its paths are too long for anything that is told them whole.
  onTestFinished(async () => void (await run('rm', ['-rf', base])));
  const id = newId<string>();
  const home = path.join(base, 'h');
  const output = path.join(home, 'runs', id, 'output');
  await mkdir(output, { recursive: true });
  await run('bash', ['-ec', script], { cwd: output });
  const client = {
    query: async (text: string) => ({ rows: text.includes('from runs') ? [{ id, state: 'succeeded', sealed: false }] : [] }),
  } as unknown as pg.ClientBase;
  const target = path.join(base, ...Array.from({ length: nested }, () => LONG_NAME));
  await mkdir(path.dirname(target), { recursive: true });
  const writer = await makeBackupWriter(target);
  const { troubles } = await backUpRuns(client, writer, home);
  await writer.finish();
  const below = path.join(target, 'runs', id, 'output');
  const files = (await readdir(below, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name);
  return { files, troubles: troubles.map((each) => each.replaceAll(LONG_NAME, 'n').replace(id, 'run')) };
}

it('names what is too deep to be read, and keeps the rest', async () => {
  const { files, troubles } = await backUp(`echo kept >kept; for i in $(seq 25); do mkdir ${LONG_NAME}; cd ${LONG_NAME}; done; echo lost >lost`);
  expect(files).toEqual(['kept']);
  expect(troubles).toEqual([expect.stringMatching(/^runs\/run\/output\/n.* cannot be read \(ENAMETOOLONG\), so it is left out$/)]);
});

it('names what fits below the home and not below the folder of the backup', async () => {
  const { files, troubles } = await backUp(`echo kept >kept; for i in $(seq 18); do mkdir ${LONG_NAME}; cd ${LONG_NAME}; done; echo lost >lost`, { nested: 4 });
  expect(files).toEqual(['kept']);
  expect(troubles).toEqual([expect.stringMatching(/^runs\/run\/output\/n.*\/lost has too long a path for the folder of the backup, so it is left out$/)]);
});

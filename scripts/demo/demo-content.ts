import type { Client } from '@sodate/client/make-client.ts';
import { filesOnDisk } from '@sodate/client/files-on-disk.ts';
import { uploadFiles } from '@sodate/client/upload.ts';
import { createData, listData } from '@sodate/contract/data.ts';
import { createDataset, listDatasets } from '@sodate/contract/datasets.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { createGitEndpoint, listGitEndpoints } from '@sodate/contract/git.ts';
import { createTenant, putMember } from '@sodate/contract/tenants.ts';
import { createUser } from '@sodate/contract/users.ts';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
// The example is plain JavaScript on purpose: it has to run where nothing but Node is installed.
import { writeImages } from '../../examples/digits/write-images.mjs';

export const TENANT = 'demo';
export const USER = 'demo';
export const REPOSITORY = 'digits';
const EXAMPLE = path.join(import.meta.dirname, '../../examples/digits');
const DATASET = 'handwritten digits';

/** Does something that an earlier demo may have done already. */
async function unlessTaken(action: Promise<unknown>): Promise<void> {
  await action.catch((error: unknown) => {
    if (!isSodateError(error) || error.code !== 'name-taken') throw error;
  });
}

export async function makeTenantAndUser(admin: Client, password: string): Promise<void> {
  await unlessTaken(admin.call(createTenant, { body: { name: TENANT, displayName: 'Demo' } }));
  await unlessTaken(admin.call(createUser, { body: { name: USER, displayName: 'Demo', password } }));
  await admin.call(putMember, { params: { tenant: TENANT, user: USER }, body: { role: 'admin' } });
}

/** A git repository made from the example model, registered as an endpoint. */
export async function makeRepository(admin: Client, gitRoot: string): Promise<void> {
  const folder = path.join(gitRoot, REPOSITORY);
  if (!(await stat(path.join(folder, '.git')).catch(() => null))) {
    await cp(path.join(EXAMPLE, 'model'), folder, { recursive: true });
    const git = (...args: string[]): Promise<unknown> =>
      promisify(execFile)('git', ['-c', 'user.name=Sodate demo', '-c', 'user.email=demo@localhost', '-c', 'init.defaultBranch=main', ...args], { cwd: folder });
    await git('init', '--quiet');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'Train and apply a small network on 8×8 digits');
  }
  const { items } = await admin.call(listGitEndpoints);
  if (!items.some(({ name }) => name === 'local')) await admin.call(createGitEndpoint, { body: { name: 'local', kind: 'local', root: gitRoot } });
}

/** The digits as 20 data (class × split), and a data set of them. @returns the data set's number */
export async function makeDataset(client: Client, say: (text: string) => void): Promise<number> {
  const before = await client.call(listDatasets, { params: { tenant: TENANT }, query: { text: DATASET } });
  const [known] = before.items;
  if (known) return known.number;
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-digits-'));
  try {
    const groups = writeImages(folder);
    const entries = { training: [] as string[], testing: [] as string[] };
    say('Uploading a data set …\n');
    let uploaded = 0;
    for (const { split, digit, folder: images } of groups) {
      const data = await makeDigitData(client, split, digit);
      const { files } = await filesOnDisk(images);
      await uploadFiles(client, { tenant: TENANT, data, files });
      uploaded += files.length;
      entries[split].push(data);
    }
    say(`${uploaded} images uploaded as ${groups.length} data.\n`);
    const dataset = await client.call(createDataset, {
      params: { tenant: TENANT },
      body: { name: DATASET, memo: 'UCI optical digits, 8×8 pixels, CC BY 4.0', entries },
    });
    return dataset.number;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A demo that was cut off may have left the data; one that holds files already is left alone, and made anew. */
async function makeDigitData(client: Client, split: string, digit: number): Promise<string> {
  const name = `digit ${digit} (${split})`;
  const { items } = await client.call(listData, { params: { tenant: TENANT }, query: { text: name } });
  const empty = items.find((data) => data.name === name && data.fileCount === 0);
  const data = empty ?? (await client.call(createData, { params: { tenant: TENANT }, body: { name, tags: [`digit-${digit}`, split] } }));
  return data.id;
}

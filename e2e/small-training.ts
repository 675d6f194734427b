import { createHash } from 'node:crypto';
import type { Client } from '@sodate/client/make-client.ts';
import { type SourceFile } from '@sodate/client/upload.ts';
import { getDataFile, listData, listDataFiles } from '@sodate/contract/data.ts';
import { createGitEndpoint } from '@sodate/contract/git.ts';
import type { Run } from '@sodate/contract/run-routes.ts';
import { startTraining } from '@sodate/contract/training.ts';
import { makeTestRepository } from '../server/api-tests/test-repository.ts';
import { readRun, TENANT } from './run-task.ts';
import { until } from './until.ts';

const at = { tenant: TENANT };
const REPOSITORY = 'model';
/** Makes a model of what it is given: the digest of all its files. */
const TRAIN = `
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
const root = (process.env.SODATE_ROOT ?? '') + '/kqi';
const hash = createHash('sha256');
const input = root + '/input';
for (const name of readdirSync(input, { recursive: true }).sort()) if (statSync(input + '/' + name).isFile()) hash.update(readFileSync(input + '/' + name));
writeFileSync(root + '/output/model.json', JSON.stringify({ digest: hash.digest('hex') }));
console.log('trained');
`;

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export const fileOf = (name: string, bytes: Buffer): SourceFile => ({
  name,
  size: bytes.length,
  read: (start, end) => Promise.resolve(new Uint8Array(bytes.subarray(start, end))),
});

/** A repository whose `train.mjs` makes a model of its input, registered at the endpoint `local`. */
export async function registerTraining(client: Client, gitRoot: string): Promise<void> {
  const repository = await makeTestRepository(gitRoot, REPOSITORY);
  await repository.commitFiles({ 'train.mjs': TRAIN });
  await client.call(createGitEndpoint, { body: { name: 'local', kind: 'local', root: gitRoot } });
}

/** Trains with a data set, to the end. */
export async function train(client: Client, dataset: number): Promise<Run> {
  const { id } = await client.call(startTraining, {
    params: at,
    body: {
      name: 'a training',
      command: ['node', 'train.mjs'],
      dataset: String(dataset),
      git: { repository: REPOSITORY },
      resources: { cpu: 0.1, memory: 100_000_000, gpus: 0 },
    },
  });
  return until(`run ${id} ends`, async () => {
    const found = await readRun(client, id);
    return ['succeeded', 'failed', 'cancelled'].includes(found.state) ? found : null;
  });
}

/** Every file of all data, `<data>/<file>` → its digest as the platform says it. */
export async function allFiles(client: Client): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (let cursor: string | undefined; ;) {
    const page = await client.call(listData, { params: at, query: { limit: 200, cursor } });
    for (const data of page.items) {
      const files = await client.call(listDataFiles, { params: { ...at, data: data.id }, query: { limit: 1000 } });
      for (const file of files.items) digests.set(`${data.id}/${file.id}`, file.digest);
    }
    if (page.nextCursor === null) return digests;
    cursor = page.nextCursor;
  }
}

/** Of the bytes that are there. @param key as in `allFiles` */
export async function fetchDigest(client: Client, key: string): Promise<string> {
  const [data = '', file = ''] = key.split('/');
  return sha256(new Uint8Array(await (await client.bytes(getDataFile, { params: { ...at, data, file: file as never } })).arrayBuffer()));
}

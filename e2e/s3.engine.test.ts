import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '@sodate/client/make-client.ts';
import { nodeDigests } from '@sodate/client/node-digests.ts';
import { uploadFiles } from '@sodate/client/upload.ts';
import { createData, deleteData } from '@sodate/contract/data.ts';
import { createDataset } from '@sodate/contract/datasets.ts';
import { getOutput } from '@sodate/contract/run-routes.ts';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startTestS3, type TestBucket, type TestS3, whyNoTestS3 } from '../server/kit/object-store/testing/provide-test-s3.ts';
import { makeProgram, type Program } from './program.ts';
import { makeTenant, TENANT } from './run-task.ts';
import { allFiles, fetchDigest, fileOf, registerTraining, train } from './small-training.ts';
import { makeTestHome, type Running, signInAsAdmin, type TestHome } from './test-home.ts';
import { until } from './until.ts';

/** Whole servers are started, and everything of one is copied: seconds on an idle machine, a minute on a loaded one. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const at = { tenant: TENANT };
/** A part, and a bit of a second. */
const LARGE_BYTES = 17 * 1024 * 1024;

const whyNot = await whyNoTestS3();

const inBucket = ({ settings }: TestBucket): Readonly<Record<string, string>> => ({
  SODATE_S3_ENDPOINT: settings.endpoint,
  SODATE_S3_REGION: settings.region,
  SODATE_S3_BUCKET: settings.bucket,
  SODATE_S3_PREFIX: settings.prefix,
  SODATE_S3_ACCESS_KEY_ID: settings.accessKeyId,
  SODATE_S3_SECRET_ACCESS_KEY: settings.secretAccessKey.reveal(),
});
const IN_HOME = {
  SODATE_S3_ENDPOINT: undefined,
  SODATE_S3_REGION: undefined,
  SODATE_S3_BUCKET: undefined,
  SODATE_S3_PREFIX: undefined,
  SODATE_S3_ACCESS_KEY_ID: undefined,
  SODATE_S3_SECRET_ACCESS_KEY: undefined,
};

describe.skipIf(whyNot !== null)(`the program with its files in S3${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  const held: {
    program?: Program;
    s3?: TestS3;
    bucket?: TestBucket;
    home?: TestHome;
    server?: Running & { readonly url: string };
    client?: Client;
    folder: string;
    dataset: number;
    model: string;
  } = { folder: '', dataset: 0, model: '' };
  const bucket = (): TestBucket => held.bucket as TestBucket;
  const home = (): TestHome => held.home as TestHome;
  const client = (): Client => held.client as Client;
  const begin = async (): Promise<void> => {
    held.server = await home().up();
    held.client = await signInAsAdmin(held.server.url);
  };
  const modelOf = async (by: Client, run: string): Promise<string> =>
    (await by.bytes(getOutput, { params: { ...at, run }, query: { path: 'model.json' } })).text();
  const blobs = async (of: TestBucket): Promise<readonly string[]> => (await of.keys()).filter((key) => key.startsWith('some/prefix/objects/'));

  beforeAll(async () => {
    held.program = await makeProgram();
    held.folder = await mkdtemp(path.join(tmpdir(), 'sodate-e2e-s3-'));
    held.s3 = await startTestS3();
    held.bucket = await held.s3.makeBucket();
    held.home = await makeTestHome(held.program.file, { environment: inBucket(bucket()) });
    await begin();
    await makeTenant(client());
    await registerTraining(client(), path.join(home().folder, 'git', 'repositories'));
  });
  afterAll(async () => {
    await held.home?.remove();
    await held.s3?.stop();
    await held.program?.remove();
    await rm(held.folder, { recursive: true, force: true });
  });

  it('takes files large and small, runs with them, and gives them back', async () => {
    const { id } = await client().call(createData, { params: at, body: { name: 'images' } });
    const files = Array.from({ length: 40 }, (_nothing, index) => fileOf(`folder ${index % 3}/${index}.png`, randomBytes(2_000)));
    const large = fileOf('large.bin', randomBytes(LARGE_BYTES));
    await uploadFiles(client(), {
      tenant: TENANT,
      data: id,
      files: [...files, large, fileOf('equal.png', Buffer.from('x')), fileOf('too.png', Buffer.from('x'))],
    });
    held.dataset = (await client().call(createDataset, { params: at, body: { name: 'a data set', entries: { training: [id] } } })).number;
    expect(await blobs(bucket()), 'equal files are one object').toHaveLength(42);
    expect(await readdir(path.join(home().folder, 'objects')).catch(() => []), 'nothing is kept in the home').toEqual([]);

    const run = await train(client(), held.dataset);
    expect(run.state, JSON.stringify(run.failure)).toBe('succeeded');
    held.model = await modelOf(client(), run.id);
    for (const [file, digest] of await allFiles(client())) expect(await fetchDigest(client(), file)).toBe(digest);
    const doctor = await home().run(['doctor', '--json']);
    expect(doctor.stdout).toContain(`kept in the bucket ${bucket().settings.bucket}`);
  });

  it('frees in the bucket what is deleted, and keeps what another data has too', async () => {
    const before = await blobs(bucket());
    const { id } = await client().call(createData, { params: at, body: { name: 'for a while' } });
    await uploadFiles(client(), { tenant: TENANT, data: id, files: [fileOf('own', randomBytes(3_000)), fileOf('equal', Buffer.from('x'))] });
    expect(await blobs(bucket())).toHaveLength(before.length + 1);
    await client().call(deleteData, { params: { ...at, data: id } });
    await until('the object is gone', async () => (await blobs(bucket())).length === before.length);
    expect((await blobs(bucket())).toSorted()).toEqual([...before].toSorted());
  });

  it('goes on after a death of the server, with an empty cache, and starts with no other store', async () => {
    const files = await allFiles(client());
    process.kill(held.server?.pid ?? 0, 'SIGKILL');
    await held.server?.ended;
    const elsewhere = await home().run(['up'], { environment: IN_HOME });
    expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining('are in the bucket s3://') });
    const other = await held.s3?.makeBucket();
    if (other === undefined) throw new Error('There is no S3');
    expect((await home().run(['up'], { environment: inBucket(other) })).stderr).toContain('a store that holds files cannot be changed');
    await rm(path.join(home().folder, 'cache'), { recursive: true });
    await rm(path.join(home().folder, 'staged'), { recursive: true });
    await begin();
    for (const [file, digest] of files) expect(await fetchDigest(client(), file)).toBe(digest);
    const run = await train(client(), held.dataset);
    expect(run.state, JSON.stringify(run.failure)).toBe('succeeded');
    expect(await modelOf(client(), run.id)).toBe(held.model);
  });

  it('is backed up while uploads pass, and restored into another bucket or into a home: every digest is the same, and a training runs again', async () => {
    const files = await allFiles(client());
    const objects = await blobs(bucket());
    const stop = new AbortController();
    const noise = (async () => {
      for (let round = 0; !stop.signal.aborted; round += 1) {
        const { id } = await client().call(createData, { params: at, body: { name: `made meanwhile ${round}` } });
        // Parts of it are spooled in the home while the backup, another process, reads the same bucket.
        await uploadFiles(client(), { tenant: TENANT, data: id, files: [fileOf('large', randomBytes(LARGE_BYTES))], digests: nodeDigests });
        await client().call(deleteData, { params: { ...at, data: id } });
      }
    })();
    const backup = path.join(held.folder, 'backup');
    const made = await home().run(['backup', backup, '--json']);
    stop.abort();
    await noise;
    expect(made.code, made.stderr).toBe(0);

    const free = await held.s3?.makeBucket();
    if (free === undefined) throw new Error('There is no S3');
    const refused = await makeTestHome(held.program?.file ?? '', { folder: path.join(held.folder, 'refused'), environment: inBucket(bucket()) });
    expect((await refused.run(['restore', backup])).stderr).toContain('holds the files of a Sodate installation');
    expect(await readdir(held.folder), 'nothing was begun').toEqual(['backup']);

    for (const [name, environment] of [
      ['another bucket', inBucket(free)],
      ['the home', {}],
    ] as const) {
      const restored = await makeTestHome(held.program?.file ?? '', { folder: path.join(held.folder, name), environment });
      onTestFinished(() => restored.remove());
      const put = await restored.run(['restore', backup]);
      expect(put.code, put.stderr).toBe(0);
      const server = await restored.up();
      const second = await signInAsAdmin(server.url);
      const after = await allFiles(second);
      for (const [file, digest] of files) expect(after.get(file), 'what nobody deleted is there').toBe(digest);
      for (const [file, digest] of after) expect(await fetchDigest(second, file)).toBe(digest);
      const run = await train(second, held.dataset);
      expect(run.state, JSON.stringify(run.failure)).toBe('succeeded');
      expect(await modelOf(second, run.id)).toBe(held.model);
      expect((await restored.run(['down'])).code).toBe(0);
    }
    expect(await blobs(free), 'by the same names').toEqual(expect.arrayContaining([...objects]));
  });
});

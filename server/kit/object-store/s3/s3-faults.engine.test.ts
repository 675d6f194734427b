import { Secret } from '#config/secret.ts';
import { systemClock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { blobOfUpload, type ObjectStore, partCountOf, type UploadShape } from '#kit/object-store/object-store.ts';
import { filesBelow, partOf, sha256 } from '#kit/object-store/object-store-conformance.ts';
import { checkS3 } from '#kit/object-store/s3/check-s3.ts';
import { openS3 } from '#kit/object-store/s3/s3-connection.ts';
import { makeS3ObjectStore } from '#kit/object-store/s3/s3-object-store.ts';
import { S3_PATIENCE, type S3Patience, type S3Settings } from '#kit/object-store/s3/s3-settings.ts';
import { type FaultProxy, openFaultProxy } from '#kit/object-store/testing/open-fault-proxy.ts';
import { startTestS3, type TestBucket, type TestS3, whyNoTestS3 } from '#kit/object-store/testing/provide-test-s3.ts';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';
import { randomBytes } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const whyNot = await whyNoTestS3();
const PART = 5 * 1024 * 1024;
const never = new AbortController().signal;
/** Tries again at once and for long. */
const PATIENT = { ...S3_PATIENCE, connectMs: 10_000, idleMs: 5_000, answerMs: 5_000, triesMs: 40_000, firstDelayMs: 10, longestDelayMs: 50 };
/** Waits briefly for an answer that does not come: where nobody counts the tries, since a loaded machine may be as slow. */
const HASTY = { ...PATIENT, connectMs: 1_000, idleMs: 600, answerMs: 600 };
/** Gives up quickly, so that a test of it does not take long. */
const IMPATIENT = { ...PATIENT, triesMs: 500 };

describe.skipIf(whyNot !== null)(`S3 in trouble${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  const tenant = newId<TenantId>();
  let s3: TestS3;
  let bucket: TestBucket;
  let proxy: FaultProxy;
  let home = '';
  let settings: S3Settings;
  let store: ObjectStore;
  beforeAll(async () => {
    s3 = await startTestS3();
  });
  afterAll(() => s3?.stop());
  beforeEach(async () => {
    bucket = await s3.makeBucket();
    home = await mkdtemp(path.join(tmpdir(), 'sodate-s3-faults-'));
    // Signatures cover the host: the proxy's own, which it hands on.
    proxy = await openFaultProxy(s3.endpoint);
    proxy.fault = () => null;
    settings = { ...bucket.settings, endpoint: proxy.url };
    store = open(settings);
  });
  afterEach(async () => {
    await store.close();
    await proxy.close();
    await rm(home, { recursive: true });
  });

  const open = (of: S3Settings, patience: S3Patience = PATIENT): ObjectStore =>
    makeS3ObjectStore({ settings: of, home, cacheBytes: 1e9, clock: systemClock, patience });
  const shape = (size: number): UploadShape => ({ tenant, id: newId<UploadId>(), size, partSize: PART });
  const send = async (bytes: Buffer): Promise<UploadShape> => {
    const upload = shape(bytes.length);
    for (let part = 1; part <= partCountOf(upload); part += 1) await store.writePart(upload, part, partOf(bytes, upload, part), never);
    return upload;
  };
  const seal = async (upload: UploadShape): Promise<string | undefined> => (await store.seal([upload])).get(upload.id)?.digest;
  const readBack = async (upload: UploadShape): Promise<Buffer> => Buffer.concat(await (await store.read(tenant, blobOfUpload(upload.id))).toArray());
  const reasonOf = async (work: Promise<unknown>): Promise<string> => {
    const error = (await work.then(
      () => null,
      (thrown: unknown) => thrown,
    )) as { code?: string; params?: { reason?: string } } | null;
    expect(error?.code).toBe('object-store-unavailable');
    return error?.params?.reason ?? '';
  };

  it.each([
    ['is told to slow down', { kind: 'answer', status: 503, code: 'SlowDown' }],
    ['is answered with an internal error', { kind: 'answer', status: 500, code: 'InternalError' }],
    ['is cut off', { kind: 'cut' }],
    ['loses its answer', { kind: 'lose-answer' }],
    ['is not answered at first', { kind: 'hang' }],
  ] as const)('comes to the same when each kind of request %s once', async (_name, fault) => {
    if (fault.kind === 'hang') {
      await store.close();
      store = open(settings, HASTY);
    }
    const seen = new Set<string>();
    proxy.fault = ({ method, url = '' }) => {
      const what = `${method} ${url.replaceAll(/[0-9a-f-]{36}|X-Amz-[^&]*|uploadId=[^&]*|x-id=[^&]*/g, '…')}`;
      if (seen.has(what)) return null;
      seen.add(what);
      return fault;
    };
    const large = randomBytes(PART + 100);
    const small = randomBytes(100);
    const [first, second] = [await send(large), await send(small)];

    expect(await seal(first)).toBe(sha256(large));
    expect(await seal(second)).toBe(sha256(small));
    expect((await readBack(first)).equals(large)).toBe(true);
    const target = path.join(home, 'tree', 'linked');
    await store.linkBlobs(tenant, [{ blob: blobOfUpload(first.id), digest: sha256(large), target }], 'link', never);
    expect((await readFile(target)).equals(large)).toBe(true);
    for (const { id } of [first, second]) {
      await store.forget(tenant, id);
      await store.removeBlob(tenant, blobOfUpload(id));
    }
    expect(await bucket.keys()).toEqual([]);
    expect(await bucket.multiparts()).toEqual([]);
    expect(seen.size).toBeGreaterThan(8);
  });

  it.each(['OperationAborted', 'ConditionalRequestConflict', 'ExistingObjectIsDirectory'])(
    'puts an object again that was in the way of others: %s',
    async (code) => {
      const refused: string[] = [];
      proxy.fault = ({ method, url = '' }) => {
        if (method !== 'PUT' || refused.includes(url)) return null;
        refused.push(url);
        return { kind: 'answer', status: 409, code };
      };
      const bytes = randomBytes(100);
      expect(await seal(await send(bytes))).toBe(sha256(bytes));
      expect(refused).toHaveLength(2);
    },
  );

  it.each(['cut-answer', 'hang-answer'] as const)('goes on from the next byte when reading suffers a %s', async (kind) => {
    const bytes = randomBytes(3_000_000);
    const upload = await send(bytes);
    await seal(upload);
    let cuts = 0;
    proxy.fault = ({ method, url = '' }) => (method === 'GET' && url.includes('/objects/') && cuts++ < 3 ? { kind, after: 700_000 } : null);

    expect((await readBack(upload)).equals(bytes)).toBe(true);
    expect(cuts).toBe(4);
    cuts = 0;
    const target = path.join(home, 'tree', 'linked');
    await store.linkBlobs(tenant, [{ blob: blobOfUpload(upload.id), digest: sha256(bytes), target }], 'copy', never);
    expect((await readFile(target)).equals(bytes)).toBe(true);
    expect(cuts).toBe(4);
  });

  it.each([
    ['a half', (bytes: Buffer) => bytes.subarray(0, 1_000_000), 'bytes=999999-'],
    ['more than there is', (bytes: Buffer) => Buffer.concat([bytes, bytes]), 'bytes=5999999-'],
  ])('goes on with a fetch that a killed process left: %s', async (_what, left, range) => {
    const bytes = randomBytes(3_000_000);
    const upload = await send(bytes);
    await seal(upload);
    await store.close();
    const fetching = path.join(home, 'cache', 'fetching');
    await mkdir(fetching, { recursive: true });
    await writeFile(path.join(fetching, `${tenant}.${blobOfUpload(upload.id)}`), left(bytes));
    store = open(settings);
    const ranges: (string | undefined)[] = [];
    proxy.fault = ({ method, headers }) => {
      if (method === 'GET') ranges.push(headers.range);
      return null;
    };
    const target = path.join(home, 'tree', 'linked');
    await store.linkBlobs(tenant, [{ blob: blobOfUpload(upload.id), digest: sha256(bytes), target }], 'link', never);
    expect((await readFile(target)).equals(bytes)).toBe(true);
    expect(ranges).toEqual(left(bytes).length < bytes.length ? [range] : [range, undefined]);
  });

  it('goes on from the next byte when reading back for the digest is cut off', async () => {
    const bytes = randomBytes(PART + 1_000_000);
    const upload = await send(bytes);
    let cuts = 0;
    proxy.fault = ({ method, url = '' }) =>
      method === 'GET' && url.includes('X-Amz-Signature') && cuts++ < 3 ? { kind: 'cut-answer', after: 1_500_000 } : null;
    expect(await seal(upload)).toBe(sha256(bytes));
    expect(cuts).toBe(4);
  });

  it.each([
    ['hangs', { kind: 'hang' }, /does not answer in time/],
    ['cuts every connection', { kind: 'cut' }, /cannot be reached/],
    ['is overloaded all the time', { kind: 'answer', status: 503, code: 'SlowDown' }, /is overloaded/],
    ['refuses the key', { kind: 'answer', status: 403, code: 'InvalidAccessKeyId' }, /does not know the access key/],
    ['denies access', { kind: 'answer', status: 403, code: 'AccessDenied' }, /is denied/],
    ['has no such bucket', { kind: 'answer', status: 404, code: 'NoSuchBucket' }, /there is no bucket/],
    ['has another time', { kind: 'answer', status: 403, code: 'RequestTimeTooSkewed' }, /the clocks/],
    ['is in another region', { kind: 'answer', status: 301, code: 'PermanentRedirect' }, /another region/],
  ] as const)('says what is wrong when the server %s, and keeps nothing half', async (_name, fault, reason) => {
    const bytes = randomBytes(1000);
    const upload = await send(bytes);
    await seal(upload);
    await store.close();
    proxy.fault = () => fault;
    store = open(settings, IMPATIENT);
    const other = shape(1000);
    expect(await reasonOf(store.writePart(other, 1, partOf(bytes, other, 1), never))).toMatch(reason);
    expect(await reasonOf(store.read(tenant, blobOfUpload(upload.id)))).toMatch(reason);
    expect(await reasonOf(store.linkBlobs(tenant, [{ blob: blobOfUpload(upload.id), target: path.join(home, 'x') }], 'link', never))).toMatch(reason);
    expect(await filesBelow(home)).toEqual([]);

    proxy.fault = () => null;
    expect((await readBack(upload)).equals(bytes)).toBe(true);
  });

  it('does not take for whole what a server answers that is not S3', async () => {
    const upload = await send(randomBytes(1000));
    await seal(upload);
    await store.close();
    store = open(settings, IMPATIENT);
    proxy.fault = () => ({ kind: 'garbage' });
    const target = path.join(home, 'x');
    const links = [{ blob: blobOfUpload(upload.id), digest: sha256(randomBytes(1000)), target }];
    await expect(store.linkBlobs(tenant, links, 'link', never)).rejects.toMatchObject({ code: 'object-store-unavailable' });
    await expect(store.seal([await send(randomBytes(PART + 1)).catch(() => shape(PART + 1))])).rejects.toThrow();
    expect(await filesBelow(home)).toEqual([]);
  });

  it('says that the store is full', async () => {
    proxy.fault = ({ method }) => (method === 'PUT' ? { kind: 'answer', status: 507, code: 'XMinioStorageFull' } : null);
    const upload = shape(10);
    await expect(store.writePart(upload, 1, partOf(Buffer.alloc(10), upload, 1), never)).rejects.toMatchObject({ code: 'disk-full' });
  });

  it('notices bytes in the bucket that were changed', async () => {
    const bytes = randomBytes(1000);
    const upload = await send(bytes);
    await seal(upload);
    const key = (await bucket.keys()).find((one) => one.includes('/objects/')) ?? '';
    await bucket.put(key, randomBytes(1000));
    const links = [{ blob: blobOfUpload(upload.id), digest: sha256(bytes), target: path.join(home, 'x') }];
    expect(await reasonOf(store.linkBlobs(tenant, links, 'link', never))).toMatch(/not those that were stored/);
    expect(await filesBelow(home)).toEqual([]);
  });

  it('refuses a part that changed on its way', async () => {
    // What was signed is the digest; the gateway compares it with what came.
    const upload = shape(1000);
    proxy.fault = ({ headers }) => {
      if (headers['x-amz-content-sha256'] !== undefined && headers['content-length'] === '1000')
        headers['x-amz-content-sha256'] = sha256(randomBytes(10)).slice('sha256:'.length);
      return null;
    };
    expect(await reasonOf(store.writePart(upload, 1, partOf(randomBytes(1000), upload, 1), never))).toMatch(/does not belong|answered 4/);
  });

  it.each([
    ['a wrong secret', { secretAccessKey: new Secret('wrong') }, /does not belong to SODATE_S3_ACCESS_KEY_ID/],
    ['an unknown key', { accessKeyId: 'unknown' }, /does not know the access key/],
    ['a bucket that is not there', { bucket: 'no-such-bucket' }, /there is no bucket no-such-bucket/],
    ['an address where nothing listens', { endpoint: 'http://127.0.0.1:1' }, /cannot be reached/],
  ])('the check names %s', async (_name, wrong, reason) => {
    const connection = openS3({ ...bucket.settings, ...wrong }, systemClock, IMPATIENT);
    expect(await reasonOf(checkS3(connection))).toMatch(reason);
    connection.close();
    expect(await bucket.keys()).toEqual([]);
  });

  it('the check leaves nothing behind', async () => {
    const connection = openS3(bucket.settings, systemClock, IMPATIENT);
    await checkS3(connection);
    connection.close();
    expect(await bucket.keys()).toEqual([]);
    expect(await bucket.multiparts()).toEqual([]);
  });

  it('asks nobody but the endpoint, whatever the environment and the files of AWS say', async () => {
    const configFolder = path.join(home, 'aws');
    await mkdir(configFolder);
    const text =
      '[default]\nregion = nowhere-1\nendpoint_url = http://127.0.0.1:1\nuse_fips_endpoint = true\naws_access_key_id = ambient\naws_secret_access_key = ambient\n';
    for (const name of ['config', 'credentials']) await writeFile(path.join(configFolder, name), text);
    const ambient: Record<string, string> = {
      AWS_CONFIG_FILE: path.join(configFolder, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: path.join(configFolder, 'credentials'),
      AWS_ACCESS_KEY_ID: 'ambient',
      AWS_SECRET_ACCESS_KEY: 'ambient',
      AWS_REGION: 'nowhere-1',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_REQUEST_CHECKSUM_CALCULATION: 'WHEN_SUPPORTED',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/',
    };
    const before = Object.fromEntries(Object.keys(ambient).map((name) => [name, process.env[name]]));
    const connected: Socket[] = [];
    const note = (message: unknown): void => void connected.push((message as { socket: Socket }).socket);
    diagnostics.subscribe('net.client.socket', note);
    Object.assign(process.env, ambient);
    try {
      const own = open(settings);
      const bytes = randomBytes(PART + 10);
      const upload = shape(bytes.length);
      for (const part of [1, 2]) await own.writePart(upload, part, partOf(bytes, upload, part), never);
      expect((await own.seal([upload])).get(upload.id)?.digest).toBe(sha256(bytes));
      await own.close();
    } finally {
      diagnostics.unsubscribe('net.client.socket', note);
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
    expect(connected.length).toBeGreaterThan(0);
    const places = new Set(connected.map((socket) => socket.remoteAddress ?? '127.0.0.1'));
    expect([...places]).toEqual(['127.0.0.1']);
    await rm(configFolder, { recursive: true });
  });
});

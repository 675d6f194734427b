import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { systemClock } from '#kit/clock.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { makeS3ObjectStore } from '#kit/object-store/s3/s3-object-store.ts';
import { startTestS3, type TestBucket, type TestS3, whyNoTestS3 } from '#kit/object-store/testing/provide-test-s3.ts';
import { type Client, makeClient } from '@sodate/client/make-client.ts';
import { type SourceFile, uploadFiles } from '@sodate/client/upload.ts';
import { BUNDLED_FILE_BYTES_LIMIT, getDataFile, UPLOAD_PART_BYTES } from '@sodate/contract/data.ts';
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const whyNot = await whyNoTestS3();
const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe.skipIf(whyNot !== null)(`clients and the object store itself${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
  const database = useTestDatabase();
  let s3: TestS3;
  let bucket: TestBucket;
  let platform: TestPlatform;
  /** Method and path of what clients asked the platform. */
  const asked: string[] = [];
  beforeAll(async () => {
    s3 = await startTestS3();
  });
  afterAll(() => s3?.stop());
  const open = (publicEndpoint: string): Promise<TestPlatform> =>
    openTestPlatform(database().db, {
      openStore: (home) => makeS3ObjectStore({ settings: { ...bucket.settings, publicEndpoint }, home, cacheBytes: 1e9, clock: systemClock }),
    });
  beforeEach(async () => {
    asked.length = 0;
    bucket = await s3.makeBucket();
    platform = await open(s3.endpoint);
  });
  afterEach(() => platform.close());

  const client = (): Client =>
    makeClient({
      server: platform.url,
      token: 'secret-of-the-platform',
      fetch: (url, init) => {
        asked.push(
          `${init?.method ?? 'GET'} ${new URL(String(url)).host === new URL(platform.url).host ? 'platform' : 'store'} ${new URL(String(url)).pathname}`,
        );
        return fetch(url, init);
      },
    });
  const source = (name: string, bytes: Buffer): SourceFile => ({
    name,
    size: bytes.length,
    read: async (from, to) => new Uint8Array(bytes.subarray(from, to)),
  });
  const makeData = async (): Promise<string> => (await platform.call('POST', 'data', { name: 'direct' })).body.id;
  const upload = (data: string, ...files: SourceFile[]) =>
    uploadFiles(client(), { tenant: platform.tenant, data, files, direct: true, backoff: { retries: 5, firstDelayMs: 1, longestDelayMs: 5 } });
  const start = async (data: string, size: number) =>
    (await platform.call('POST', `data/${data}/uploads`, { files: [{ name: 'file', size }] })).body.uploads[0] as {
      id: string;
      partUrl: string;
      addressUrl: string;
    };
  const addressOf = async (of: { addressUrl: string }, part: number): Promise<string> =>
    (await platform.call('GET', of.addressUrl.replace('{part}', String(part)))).body.address;
  const put = async (address: string, bytes: Buffer): Promise<number> => (await fetch(address, { method: 'PUT', body: new Uint8Array(bytes) })).status;
  const complete = (data: string, id: string, digest?: string) =>
    platform.call('POST', `data/${data}/uploads/complete`, { uploads: [{ id, ...(digest ? { digest } : {}) }] });

  it('exchange files with it, and the platform vouches for their digests', async () => {
    const [large, small] = [randomBytes(UPLOAD_PART_BYTES + 1000), randomBytes(1000)];
    const data = await makeData();
    const stored = await upload(data, source('large', large), source('small', small), source('empty', Buffer.alloc(0)));

    expect(Object.fromEntries(stored.map(({ name, digest }) => [name, digest]))).toEqual({
      large: sha256(large),
      small: sha256(small),
      empty: sha256(Buffer.alloc(0)),
    });
    expect(asked.filter((one) => one.startsWith('PUT platform'))).toEqual([]);

    asked.length = 0;
    const file = stored.find(({ name }) => name === 'large')?.id ?? '';
    const params = { tenant: platform.tenant, data, file };
    const whole = await client().bytes(getDataFile, { params });
    expect(whole.headers.get('content-disposition')).toContain('attachment; filename="large"');
    expect(Buffer.from(await whole.arrayBuffer()).equals(large)).toBe(true);
    const some = await client().bytes(getDataFile, { params, headers: { range: 'bytes=10-19' } });
    expect(some.status).toBe(206);
    expect(Buffer.from(await some.arrayBuffer()).equals(large.subarray(10, 20))).toBe(true);
    expect(asked.map((one) => one.split(' ')[1])).toEqual(['platform', 'store', 'platform', 'store']);
  });

  it('are served by the platform where the store cannot be: pages, halves, files that were not changed', async () => {
    const bytes = randomBytes(1000);
    const data = await makeData();
    const [file] = await upload(data, source('file', bytes));
    const get = (headers: Record<string, string>) =>
      fetch(`${platform.url}/v1/tenants/${platform.tenant}/data/${data}/files/${file?.id}/content`, { headers, redirect: 'manual' });

    expect((await get({})).status).toBe(307);
    expect((await get({})).headers.get('cache-control')).toBe('no-store');
    expect((await get({ 'if-none-match': `"${sha256(bytes)}"` })).status).toBe(304);
    expect((await get({ range: 'bytes=5000-' })).status).toBe(416);
    const half = await get({ range: 'bytes=500-', 'if-range': `"${sha256(bytes)}"` });
    expect(half.status).toBe(206);
    expect(Buffer.from(await half.arrayBuffer()).equals(bytes.subarray(500))).toBe(true);
    const page = await get({ 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' });
    expect(page.status).toBe(200);
    expect(Buffer.from(await page.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('send parts both ways, and go on after a break', async () => {
    const bytes = randomBytes(2 * UPLOAD_PART_BYTES + 10);
    const part = (number: number): Buffer => bytes.subarray((number - 1) * UPLOAD_PART_BYTES, number * UPLOAD_PART_BYTES);
    const data = await makeData();
    const started = await start(data, bytes.length);
    expect(await put(await addressOf(started, 1), part(1))).toBe(200);
    expect((await platform.call('PUT', started.partUrl.replace('{part}', '3'), part(3))).status).toBe(200);

    expect((await complete(data, started.id)).body).toMatchObject({ code: 'upload-incomplete', params: { missing: 'part 2 of 3' } });
    expect((await platform.call('GET', `uploads/${started.id}`)).body.received).toEqual([1, 3]);
    expect(await put(await addressOf(started, 2), part(2))).toBe(200);
    expect((await complete(data, started.id, sha256(bytes))).body.files).toMatchObject([{ digest: sha256(bytes) }]);
  });

  it('cannot pass off other bytes than they said, nor more of them', async () => {
    const [said, other] = [randomBytes(1000), randomBytes(1000)];
    const data = await makeData();
    const started = await start(data, said.length);
    const address = await addressOf(started, 1);
    expect(await put(address, Buffer.alloc(2000))).toBeGreaterThanOrEqual(400);
    expect(await put(address, other)).toBe(200);
    expect((await complete(data, started.id, sha256(said))).body).toMatchObject({ code: 'digest-differs', params: { actual: sha256(other) } });
    expect(await put(address, said)).toBe(200);
    expect((await complete(data, started.id, sha256(said))).status).toBe(201);
  });

  it.each([
    ['one part', 1000],
    ['several parts', UPLOAD_PART_BYTES + 1000],
  ])('cannot change a file of %s by an address that they still have', async (_name, size) => {
    const bytes = randomBytes(size);
    const data = await makeData();
    const started = await start(data, size);
    const first = await addressOf(started, 1);
    await put(first, bytes.subarray(0, UPLOAD_PART_BYTES));
    if (size > UPLOAD_PART_BYTES) await put(await addressOf(started, 2), bytes.subarray(UPLOAD_PART_BYTES));
    const { body } = await complete(data, started.id);
    expect(body.files).toMatchObject([{ digest: sha256(bytes) }]);

    // Taken, refused, or cut off: whatever the store does, the file is as it was.
    await put(first, randomBytes(Math.min(size, UPLOAD_PART_BYTES))).catch(() => null);
    const answer = await client().bytes(getDataFile, { params: { tenant: platform.tenant, data, file: body.files[0].id } });
    expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(sha256(bytes));
  });

  it('go through the platform when they do not reach the store', async () => {
    await platform.close();
    platform = await open('http://127.0.0.1:1');
    // Too large for a bundle, which never goes to the store itself.
    const bytes = randomBytes(BUNDLED_FILE_BYTES_LIMIT + 1000);
    const [file] = await upload(await makeData(), source('file', bytes));
    expect(file?.digest).toBe(sha256(bytes));
    expect(asked.filter((one) => one.startsWith('PUT platform'))).toHaveLength(1);
  });

  it('get no address for an upload that is over, or by another signature', async () => {
    const data = await makeData();
    const started = await start(data, 10);
    expect((await platform.call('GET', started.addressUrl.replace('{part}', '2'))).status).toBe(400);
    expect((await platform.call('GET', started.addressUrl.replace('{part}', '1').replace(/signature=.{5}/, 'signature=AAAAA'))).body.code).toBe(
      'signature-not-valid',
    );
    await platform.call('DELETE', `uploads/${started.id}`);
    expect((await platform.call('GET', started.addressUrl.replace('{part}', '1'))).status).toBe(404);
    expect(await bucket.keys()).toEqual([]);
  });
});

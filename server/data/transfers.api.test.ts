import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { uploadExpiry } from '#data/start-uploads.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { makeRandom } from '#runs/simulation/random.ts';
import { filesOnDisk } from '@sodate/client/files-on-disk.ts';
import { makeClient, type Client } from '@sodate/client/make-client.ts';
import { nodeDigests } from '@sodate/client/node-digests.ts';
import { type RefusedFile, type SourceFile, SourceTrouble, uploadFiles, type UploadOptions } from '@sodate/client/upload.ts';
import { PART_CHECKSUM_HEADER, UPLOAD_PART_BYTES } from '@sodate/contract/data.ts';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crc32 } from 'node:zlib';

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const source = (name: string, bytes: Buffer): SourceFile => ({
  name,
  size: bytes.length,
  read: (start, end) => Promise.resolve(new Uint8Array(bytes.subarray(start, end))),
});
const bundleOf = (files: readonly { readonly name: string; readonly size?: number; readonly digest?: string; readonly bytes: Buffer }[]): Buffer => {
  const head = Buffer.from(
    JSON.stringify({ files: files.map(({ name, size, digest, bytes }) => ({ name, size: size ?? bytes.length, ...(digest ? { digest } : {}) })) }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, ...files.map(({ bytes }) => bytes)]);
};

describe('transfers', () => {
  const database = useTestDatabase();
  let platform: TestPlatform;
  beforeEach(async () => {
    platform = await openTestPlatform(database().db);
  });
  afterEach(() => platform.close());

  const client = (fetch?: typeof globalThis.fetch): Client =>
    makeClient({ server: platform.url, token: 'anybody', ...(fetch ? { fetch } : {}), backoff: { retries: 50, firstDelayMs: 1, longestDelayMs: 5 } });
  const upload = (data: string, files: readonly SourceFile[], more: Partial<UploadOptions> = {}, by = client()) =>
    uploadFiles(by, { tenant: platform.tenant, data, files, digests: nodeDigests, backoff: { retries: 50, firstDelayMs: 1, longestDelayMs: 5 }, ...more });
  const stored = async (data: string): Promise<Record<string, string>> => {
    const { body } = await platform.call('GET', `data/${data}/files?limit=1000`);
    return Object.fromEntries(body.items.map((file: { name: string; digest: string }) => [file.name, file.digest]));
  };
  const blobFiles = async (): Promise<number> =>
    (await readdir(path.join(platform.home, 'objects'), { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile()).length;
  const pendingFiles = async (): Promise<number> =>
    (await readdir(path.join(platform.home, 'uploads'), { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile()).length;
  const send = (data: string, body: Buffer) => platform.call('POST', `data/${data}/files`, body);

  it('many small files and a large one arrive whole through a connection that breaks all the time, before and after the answer', async () => {
    const data = await platform.dataWith({});
    const files = [
      ...Array.from({ length: 1_200 }, (_nothing, index) => source(`small/${index % 7}/${index}`, randomBytes(index % 50))),
      source('large', randomBytes(2 * UPLOAD_PART_BYTES + 77)),
      source('middling', randomBytes(1_100_000)),
    ];
    const random = makeRandom(7);
    const breaking: typeof fetch = async (input, init) => {
      if (random.chance(0.3)) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } });
      const answer = await fetch(input, init);
      if (random.chance(0.3)) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } });
      return answer;
    };
    const got = await upload(data.id, files, {}, client(breaking));
    expect(got).toHaveLength(files.length);
    const expected = Object.fromEntries(await Promise.all(files.map(async (file) => [file.name, sha256((await file.read(0, file.size)) as Uint8Array)])));
    for (const file of got) expect(file.digest).toBe(expected[file.name]);
    const { body } = await platform.call('GET', `data/${data.id}`);
    expect(body).toMatchObject({ fileCount: files.length, totalSize: files.reduce((sum, { size }) => sum + size, 0) });
    expect(await pendingFiles()).toBeLessThanOrEqual(1);
    // Equal ones, such as all of no bytes, are one.
    const { rows } = await database().pool.query('select count(*)::int as count from blobs where tenant_id = $1', [platform.tenant]);
    expect(await blobFiles()).toBe(rows[0].count);
  });

  it('an upload goes on in another process with the parts that are missing, and sends nothing twice', async () => {
    const data = await platform.dataWith({});
    const bytes = randomBytes(4 * UPLOAD_PART_BYTES + 5);
    const small = source('small', Buffer.from('small'));
    const sent: string[] = [];
    const counting: typeof fetch = async (input, init) => {
      if (init?.method === 'PUT') {
        // The first process is cut off when it begins its fourth part.
        if (sent.length === 3) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ENOTFOUND' } });
        sent.push(/parts\/(\d+)/.exec(String(input))?.[1] ?? '');
      }
      return fetch(input, init);
    };
    await expect(upload(data.id, [small, source('large', bytes)], { concurrency: 1, resume: 'by-content' }, client(counting))).rejects.toThrow('host name');
    expect(sent).toEqual(['1', '2', '3']);
    const after: string[] = [];
    const second: typeof fetch = async (input, init) => {
      if (init?.method === 'PUT' || (init?.method === 'POST' && !String(input).endsWith('/complete')))
        after.push(new URL(String(input)).pathname.split('/').at(-1) ?? '');
      return fetch(input, init);
    };
    const got = await upload(data.id, [small, source('large', bytes)], { resume: 'by-content' }, client(second));
    expect(after.toSorted()).toEqual(['4', '5']);
    expect(got.map(({ name, digest }) => [name, digest])).toEqual([['large', sha256(bytes)]]);
    after.length = 0;
    expect(await upload(data.id, [small, source('large', bytes)], { resume: 'by-content' }, client(second))).toEqual([]);
    expect(after).toEqual([]);
  });

  it('parts of another content under the same name and size are not taken up', async () => {
    const data = await platform.dataWith({});
    const first = randomBytes(2 * UPLOAD_PART_BYTES);
    const second = Buffer.from(first);
    second[5] = (second[5] ?? 0) ^ 255;
    const { body } = await platform.call('POST', `data/${data.id}/uploads`, { files: [{ name: 'x', size: first.length }] });
    for (const part of [1, 2])
      await platform.call(
        'PUT',
        body.uploads[0].partUrl.replace('{part}', String(part)),
        first.subarray((part - 1) * UPLOAD_PART_BYTES, part * UPLOAD_PART_BYTES),
      );
    await upload(data.id, [source('x', second)], { resume: 'by-content' });
    expect(await stored(data.id)).toEqual({ x: sha256(second) });
    const open = await platform.call('GET', `data/${data.id}/uploads`);
    expect(open.body.items).toEqual([]);
  });

  it("a person's unfinished uploads are listed page by page with checksums, without expired ones and other people's", async () => {
    const data = await platform.dataWith({});
    const { body } = await platform.call('POST', `data/${data.id}/uploads`, { files: ['a', 'b', 'c'].map((name) => ({ name, size: 4 })) });
    await platform.call('PUT', body.uploads[1].partUrl.replace('{part}', '1'), Buffer.from('four'));
    const page = await platform.call('GET', `data/${data.id}/uploads?limit=2`);
    expect(page.body).toMatchObject({
      items: [
        { name: 'a', received: [] },
        { name: 'b', received: [1], checksums: { 1: crc32('four').toString(16).padStart(8, '0') } },
      ],
    });
    const rest = await platform.call('GET', `data/${data.id}/uploads?limit=2&cursor=${page.body.nextCursor}`);
    expect(rest.body).toMatchObject({ items: [{ name: 'c' }], nextCursor: null });
    await database().pool.query('update uploads set expires_at = $1 where data_id = $2', [uploadExpiry(new Date(0)), data.id]);
    expect((await platform.call('GET', `data/${data.id}/uploads`)).body.items).toEqual([]);
    expect((await platform.call('GET', `data/${data.id}/uploads?cursor=x`)).body.code).toBe('invalid-cursor');
  });

  it('a part that is damaged on its way is refused and missing, and one sent again is whole', async () => {
    const data = await platform.dataWith({});
    const { body } = await platform.call('POST', `data/${data.id}/uploads`, { files: [{ name: 'a', size: 4 }] });
    const url = body.uploads[0].partUrl.replace('{part}', '1');
    const right = crc32('four').toString(16).padStart(8, '0');
    expect((await platform.call('PUT', url, Buffer.from('fuor'), { [PART_CHECKSUM_HEADER]: right })).body.code).toBe('part-damaged');
    expect((await platform.call('PUT', url, Buffer.from('four'), { [PART_CHECKSUM_HEADER]: 'ABC' })).body.code).toBe('invalid-request');
    expect((await platform.call('GET', `uploads/${body.uploads[0].id}`)).body.received).toEqual([]);
    expect((await platform.call('PUT', url, Buffer.from('four'), { [PART_CHECKSUM_HEADER]: right })).status).toBe(200);
  });

  it('what cannot be put in is told by name, and the rest is in', async () => {
    const data = await platform.dataWith({ taken: Buffer.from('before'), 'folder/file': Buffer.from('x') });
    const refused: RefusedFile[] = [];
    const changing: SourceFile = {
      name: 'changing',
      size: 3_000_000,
      read: () => Promise.reject(new SourceTrouble('changing changed while it was uploaded.')),
    };
    const lying: SourceFile = { ...source('lying', randomBytes(2_000_000)), read: (start, end) => Promise.resolve(new Uint8Array(randomBytes(end - start))) };
    const large = randomBytes(2_000_000);
    const files = [
      ...['taken', 'folder', 'taken/below', '../out', 'good'].map((name) => source(name, Buffer.from(name))),
      changing,
      { ...lying },
      source('folder/file', large),
      source('large', large),
    ];
    const got = await upload(data.id, files, { resume: 'by-content', onRefused: (file) => void refused.push(file) });
    expect(got.map(({ name }) => name).toSorted()).toEqual(['good', 'large', 'lying']);
    expect(Object.fromEntries(refused.map(({ name, code }) => [name, code]))).toEqual({
      taken: 'name-taken',
      folder: 'name-taken',
      'taken/below': 'name-taken',
      '../out': 'invalid-request',
      changing: 'source-trouble',
      'folder/file': 'name-taken',
    });
    expect(await pendingFiles()).toBe(0);
    await expect(upload(data.id, [source('taken', Buffer.from('other'))])).rejects.toThrow('There is already a file named taken');
  });

  it('a file that changes on the disk while it is uploaded is refused, and nothing of it is stored', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sodate-transfer-'));
    try {
      const file = path.join(folder, 'large');
      await writeFile(file, randomBytes(UPLOAD_PART_BYTES + 10));
      await mkdir(path.join(folder, 'sub'));
      await writeFile(path.join(folder, 'sub', 'small'), 'stays');
      const found = await filesOnDisk(folder);
      let parts = 0;
      const changing: typeof fetch = async (input, init) => {
        if (init?.method === 'PUT' && (parts += 1) === 1) await utimes(file, new Date(0), new Date(0));
        return fetch(input, init);
      };
      const data = await platform.dataWith({});
      const refused: RefusedFile[] = [];
      await upload(data.id, found.files, { concurrency: 1, onRefused: (one) => void refused.push(one) }, client(changing));
      expect(refused).toMatchObject([{ name: 'large', message: expect.stringContaining('changed while it was uploaded') }]);
      expect(Object.keys(await stored(data.id))).toEqual(['sub/small']);
      expect(await pendingFiles()).toBe(0);
      expect((await platform.call('GET', `data/${data.id}/uploads`)).body.items).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  describe('a bundle', () => {
    it.each<[string, Buffer, string]>([
      ['of nothing', Buffer.alloc(0), 'the bundle is out of form|not empty'],
      ['with a head that never ends', Buffer.from([255, 255, 255, 255]), 'larger than'],
      ['whose head is not JSON', Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from('{x')]), 'not JSON'],
      ['without files', Buffer.concat([Buffer.from([0, 0, 0, 12]), Buffer.from('{"files":[]}')]), 'files'],
      ['that ends early', bundleOf([{ name: 'a', size: 10, bytes: Buffer.from('abc') }]), 'it ends before'],
      ['that goes on', Buffer.concat([bundleOf([{ name: 'a', bytes: Buffer.from('abc') }]), Buffer.from('more')]), 'it goes on'],
      ['with a name twice', bundleOf([1, 2].map(() => ({ name: 'a', bytes: Buffer.from('abc') }))), 'are named'],
      ['with a name that leads out', bundleOf([{ name: '../a', bytes: Buffer.from('abc') }]), 'each part between slashes'],
      ['with too large a file', bundleOf([{ name: 'a', size: 2 ** 40, bytes: Buffer.alloc(0) }]), 'files.0.size'],
    ])('%s is refused whole and leaves nothing', async (_what, body, message) => {
      const data = await platform.dataWith({});
      const answer = await send(data.id, body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.body.message).toMatch(new RegExp(message));
      expect(await stored(data.id)).toEqual({});
      expect((await blobFiles()) + (await pendingFiles())).toBe(0);
    });

    it('is repeatable, keeps equal content once, and refuses one file by itself', async () => {
      const data = await platform.dataWith({ taken: Buffer.from('taken') });
      const bundle = bundleOf([
        { name: 'a', bytes: Buffer.from('same') },
        { name: 'b', bytes: Buffer.from('same'), digest: sha256(Buffer.from('same')) },
        { name: 'empty', bytes: Buffer.alloc(0) },
        { name: 'damaged', bytes: Buffer.from('xyz'), digest: sha256(Buffer.from('abc')) },
        { name: 'taken/x', bytes: Buffer.from('x') },
        { name: 'taken', bytes: Buffer.from('taken') },
      ]);
      const [first, second] = await Promise.all([send(data.id, bundle), send(data.id, bundle)]);
      for (const answer of [first, second, await send(data.id, bundle)]) {
        expect(answer.status).toBe(201);
        expect(answer.body.files.map(({ name }: { name: string }) => name).toSorted()).toEqual(['a', 'b', 'empty', 'taken']);
        expect(answer.body.refused.map(({ name, code }: { name: string; code: string }) => [name, code])).toEqual([
          ['damaged', 'digest-differs'],
          ['taken/x', 'name-taken'],
        ]);
      }
      expect(await blobFiles()).toBe(3);
      expect(await pendingFiles()).toBe(0);
      expect((await platform.call('GET', `data/${data.id}`)).body).toMatchObject({ fileCount: 4, totalSize: 13 });
    });

    it('that is cut off leaves nothing, and its connection ends alone', async () => {
      const data = await platform.dataWith({});
      const body = bundleOf(Array.from({ length: 50 }, (_nothing, index) => ({ name: String(index), bytes: randomBytes(100_000) })));
      const stop = new AbortController();
      const half = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(body.subarray(0, body.length / 2))),
      });
      const sending = fetch(`${platform.url}/v1/tenants/${platform.tenant}/data/${data.id}/files`, {
        method: 'POST',
        body: half,
        duplex: 'half',
        signal: stop.signal,
        headers: { 'content-type': 'application/octet-stream' },
      } as RequestInit);
      await expect.poll(pendingFiles, { timeout: 30_000 }).toBeGreaterThan(5);
      stop.abort();
      await expect(sending).rejects.toThrow();
      await expect.poll(pendingFiles, { timeout: 30_000 }).toBe(0);
      expect(await blobFiles()).toBe(0);
      expect((await send(data.id, body)).status).toBe(201);
    });
  });
});

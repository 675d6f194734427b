import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { sweepObjects } from '#data/sweep-objects.ts';
import { systemClock } from '#kit/clock.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { makeS3ObjectStore } from '#kit/object-store/s3/s3-object-store.ts';
import { startTestS3, type TestBucket, type TestS3, whyNoTestS3 } from '#kit/object-store/testing/provide-test-s3.ts';
import { UPLOAD_PART_BYTES } from '@sodate/contract/data.ts';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const hours = (count: number): Date => new Date(Date.now() + count * 3_600_000);

const whyNoS3 = await whyNoTestS3();
const s3: { server?: TestS3; bucket?: TestBucket } = {};
afterAll(() => s3.server?.stop());

describe.each([
  { where: 'in the home', inS3: false },
  { where: `in S3${whyNoS3 === null ? '' : ` (skipped: ${whyNoS3})`}`, inS3: true },
])('uploads, files $where', ({ inS3 }) => {
  if (inS3 && whyNoS3 !== null) return it.skip(`arrive whole (skipped: ${whyNoS3})`, () => {});
  const database = useTestDatabase();
  let platform: TestPlatform;
  const openInBucket = (home: string): ObjectStore => {
    if (!s3.bucket) throw new Error('The bucket is made first');
    return makeS3ObjectStore({ settings: s3.bucket.settings, home, cacheBytes: 1e9, clock: systemClock });
  };
  const store = inS3 ? { openStore: openInBucket } : {};
  beforeEach(async () => {
    if (inS3) s3.bucket = await (s3.server ??= await startTestS3()).makeBucket();
    platform = await openTestPlatform(database().db, store);
  });
  afterEach(() => platform.close());

  /** In the bucket things have the names that they have in the home. */
  const storedFiles = async (): Promise<string[]> => {
    const files = (await readdir(platform.home, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(path.relative(platform.home, entry.parentPath), entry.name));
    const keys = inS3 && s3.bucket ? await s3.bucket.keys() : [];
    return [...files, ...keys.map((key) => key.replace('some/prefix/', ''))];
  };
  const rows = async (table: 'blobs' | 'uploads' | 'upload_parts' | 'data_files'): Promise<number> => {
    const { count } = await database()
      .db.selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('tenant_id', '=', platform.tenant)
      .executeTakeFirstOrThrow();
    return count;
  };
  const start = async (data: string, name: string, size: number) => {
    const { status, body } = await platform.call('POST', `data/${data}/uploads`, { files: [{ name, size }] });
    expect(status).toBe(201);
    return body.uploads[0] as { id: string; partUrl: string; partCount: number; received: number[] };
  };
  const put = (upload: { partUrl: string }, part: number, bytes: Uint8Array) => platform.call('PUT', upload.partUrl.replace('{part}', String(part)), bytes);
  const complete = (data: string, ...uploads: { id: string; digest?: string }[]) =>
    platform.call('POST', `data/${data}/uploads/complete`, { uploads: uploads.map(({ id, digest }) => ({ id, ...(digest ? { digest } : {}) })) });
  const download = async (data: string, file: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${platform.url}/v1/tenants/${platform.tenant}/data/${data}/files/${file}/content`, { headers });
    return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
  };

  it('stores files of several parts, and gives them back whole and by range', async () => {
    const bytes = randomBytes(2 * UPLOAD_PART_BYTES + 1_000);
    const data = await platform.dataWith({ 'folder/数字.bin': bytes, empty: new Uint8Array() });

    const listed = await platform.call('GET', `data/${data.number}/files`);
    expect(listed.body.items).toMatchObject([
      { name: 'empty', size: 0, digest: sha256(new Uint8Array()) },
      { name: 'folder/数字.bin', size: bytes.length, digest: sha256(bytes) },
    ]);
    expect((await platform.call('GET', `data/${data.id}`)).body).toMatchObject({ fileCount: 2, totalSize: bytes.length });
    const [empty, file] = listed.body.items as { id: string }[];

    const whole = await download(data.id, file?.id ?? '');
    expect(whole.status).toBe(200);
    expect(whole.bytes.equals(bytes)).toBe(true);
    expect(whole.headers.get('content-type')).toBe('application/octet-stream');
    expect(whole.headers.get('x-content-type-options')).toBe('nosniff');
    expect(whole.headers.get('content-disposition')).toBe(`attachment; filename="__.bin"; filename*=UTF-8''%E6%95%B0%E5%AD%97.bin`);

    const range = await download(data.id, file?.id ?? '', { range: `bytes=${UPLOAD_PART_BYTES - 5}-${UPLOAD_PART_BYTES + 4}` });
    expect(range.status).toBe(206);
    expect(range.headers.get('content-range')).toBe(`bytes ${UPLOAD_PART_BYTES - 5}-${UPLOAD_PART_BYTES + 4}/${bytes.length}`);
    expect(range.bytes.equals(bytes.subarray(UPLOAD_PART_BYTES - 5, UPLOAD_PART_BYTES + 5))).toBe(true);
    expect((await download(data.id, file?.id ?? '', { range: `bytes=${bytes.length}-` })).status).toBe(416);
    expect((await download(data.id, file?.id ?? '', { range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200);
    expect((await download(data.id, file?.id ?? '', { 'if-none-match': whole.headers.get('etag') ?? '' })).status).toBe(304);
    expect((await download(data.id, empty?.id ?? '')).bytes).toHaveLength(0);
    expect((await download(data.id, newId())).status).toBe(404);
    expect(await rows('uploads')).toBe(0);
    expect((await storedFiles()).every((name) => name.startsWith('objects/'))).toBe(true);
  });

  it.each([
    ['../../x', 400],
    ['/etc/passwd', 400],
    ['a//b', 400],
    ['a/./b', 400],
    [String.raw`a\b`, 400],
    ['two\nlines', 400],
    ['nul\u0000', 400],
    ['\ud800', 400],
    ['', 400],
    ['日本語のファイル名.png', 201],
    ['a'.repeat(255), 201],
    ['あ'.repeat(85), 201],
    ['a'.repeat(256), 400],
    ['あ'.repeat(86), 400],
    [`${'a'.repeat(255)}/${'b'.repeat(255)}`, 201],
    ['..a', 201],
    ['C:con', 201],
  ])('takes or refuses the name %j with %i', async (name, expected) => {
    const { body: data } = await platform.call('POST', 'data', { name: 'names' });
    const answer = await platform.upload(data.id, { [name]: Buffer.from('x') });

    expect(answer.status, JSON.stringify(answer.body)).toBe(expected);
    if (expected === 201) {
      expect(answer.body.files).toMatchObject([{ name }]);
      expect((await storedFiles()).map((file) => path.basename(file))).toEqual([answer.body.files[0].id]);
    } else {
      expect(answer.body.code).toBe('invalid-request');
      expect(await storedFiles()).toEqual([]);
    }
  });

  it('refuses names that are taken, also by a folder, before anything is sent and again at the end', async () => {
    const data = await platform.dataWith({ a: Buffer.from('1'), 'b/c': Buffer.from('2') });
    for (const name of ['a', 'a/x', 'b']) {
      expect((await platform.upload(data.id, { [name]: Buffer.from('x') })).body).toMatchObject({ code: 'name-taken' });
    }
    const [first, second] = [await start(data.id, 'late', 1), await start(data.id, 'late', 1)];
    await put(first, 1, Buffer.from('1'));
    await put(second, 1, Buffer.from('2'));
    expect((await complete(data.id, first)).status).toBe(201);
    expect((await complete(data.id, second)).body).toMatchObject({ code: 'name-taken', params: { name: 'late' } });
  });

  it('adds all files of a request or none', async () => {
    const { body: data } = await platform.call('POST', 'data', { name: 'all or nothing' });
    const [whole, half] = [await start(data.id, 'whole', 3), await start(data.id, 'half', UPLOAD_PART_BYTES + 3)];
    await put(whole, 1, Buffer.from('abc'));
    await put(half, 2, Buffer.from('abc'));

    const refused = await complete(data.id, whole, half);
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'upload-incomplete', params: { missing: 'part 1 of 2' } });
    expect((await platform.call('GET', `data/${data.id}/files`)).body.items).toEqual([]);

    await put(half, 1, new Uint8Array(UPLOAD_PART_BYTES));
    expect((await complete(data.id, whole, half)).body.files).toHaveLength(2);
  });

  it('answers the same when completing is asked for again, and to two who ask at once', async () => {
    const { body: data } = await platform.call('POST', 'data', { name: 'again' });
    const upload = await start(data.id, 'file', 3);
    await put(upload, 1, Buffer.from('abc'));

    const [one, two] = await Promise.all([complete(data.id, upload), complete(data.id, upload)]);
    expect(one.status).toBe(201);
    expect(two.body).toEqual(one.body);
    expect((await complete(data.id, upload)).body).toEqual(one.body);
    expect((await platform.call('GET', `data/${data.id}`)).body).toMatchObject({ fileCount: 1, totalSize: 3 });
  });

  it('goes on with an upload that was cut off in the middle of a part', async () => {
    const bytes = randomBytes(2 * UPLOAD_PART_BYTES);
    const { body: data } = await platform.call('POST', 'data', { name: 'cut off' });
    const upload = await start(data.id, 'file', bytes.length);
    await put(upload, 1, bytes.subarray(0, UPLOAD_PART_BYTES));
    const request = http.request(`${platform.url}${upload.partUrl.replace('{part}', '2')}`, {
      method: 'PUT',
      headers: { 'content-length': UPLOAD_PART_BYTES },
    });
    const failed = once(request, 'error').catch((error: unknown) => error);
    request.write(bytes.subarray(UPLOAD_PART_BYTES, UPLOAD_PART_BYTES + 5_000_000), () => request.destroy());
    await failed;

    const resumed = await platform.call('GET', `uploads/${upload.id}`);
    expect(resumed.body).toMatchObject({ received: [1], partCount: 2 });
    // Until the server has noticed, the part counts as being sent; then as missing. Neither can be completed.
    expect((await complete(data.id, upload)).body).toMatchObject({ code: 'upload-incomplete' });
    expect((await put(resumed.body, 2, bytes.subarray(UPLOAD_PART_BYTES))).status).toBe(200);
    expect((await complete(data.id, { ...upload, digest: sha256(bytes) })).body.files).toMatchObject([{ digest: sha256(bytes) }]);
  });

  it('takes back a part that is sent again and does not arrive', async () => {
    const { body: data } = await platform.call('POST', 'data', { name: 'sent again' });
    const upload = await start(data.id, 'file', 10);
    await put(upload, 1, Buffer.alloc(10, 1));
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(Buffer.alloc(4, 2));
        controller.close();
      },
    });
    const short = await fetch(`${platform.url}${upload.partUrl.replace('{part}', '1')}`, { method: 'PUT', body, duplex: 'half' } as RequestInit);
    expect(await short.json()).toMatchObject({ code: 'part-out-of-form', params: { part: 1, expected: 10, actual: 4 } });
    expect((await complete(data.id, upload)).body).toMatchObject({ code: 'upload-incomplete' });
    await put(upload, 1, Buffer.alloc(10, 3));
    expect((await complete(data.id, upload)).body.files).toMatchObject([{ digest: sha256(Buffer.alloc(10, 3)) }]);
  });

  it('refuses parts out of form and addresses that are not valid', async () => {
    const { body: data } = await platform.call('POST', 'data', { name: 'parts' });
    const upload = await start(data.id, 'file', 10);
    expect((await put(upload, 1, Buffer.alloc(9))).body).toMatchObject({ code: 'part-out-of-form' });
    expect((await put(upload, 2, Buffer.alloc(10))).body).toMatchObject({ code: 'invalid-request' });
    expect((await put(upload, 0, Buffer.alloc(10))).body).toMatchObject({ code: 'invalid-request' });
    const json = await fetch(`${platform.url}${upload.partUrl.replace('{part}', '1')}`, {
      method: 'PUT',
      body: '"12345678"',
      headers: { 'content-type': 'application/json' },
    });
    expect(json.status).toBe(400);
    expect((await put({ partUrl: upload.partUrl.replace(/signature=./, 'signature=_') }, 1, Buffer.alloc(10))).body).toMatchObject({
      code: 'signature-not-valid',
    });
    expect((await put({ partUrl: upload.partUrl.replace(upload.id, newId()) }, 1, Buffer.alloc(10))).body).toMatchObject({ code: 'signature-not-valid' });
    expect((await complete(data.id, { ...upload, digest: sha256(Buffer.alloc(1)) })).body).toMatchObject({ code: 'upload-incomplete' });
    await put(upload, 1, Buffer.alloc(10));
    expect((await complete(data.id, { ...upload, digest: sha256(Buffer.alloc(1)) })).body).toMatchObject({ code: 'digest-differs' });
    expect((await complete(data.id, { id: newId() })).body).toMatchObject({ code: 'not-found' });
  });

  it('keeps equal content once, also when it comes twice at the same moment', async () => {
    const bytes = randomBytes(100_000);
    const [one, two] = [await platform.dataWith({}), await platform.dataWith({})];
    const answers = await Promise.all([
      platform.upload(one.id, { a: bytes, b: bytes }),
      platform.upload(two.id, { a: bytes }),
      platform.upload(two.id, { c: bytes, d: Buffer.from('other') }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);

    expect(await rows('data_files')).toBe(5);
    expect(await rows('blobs')).toBe(2);
    expect(await storedFiles()).toHaveLength(2);
  });

  it('removes bytes with the last file that has them', async () => {
    const shared = Buffer.from('shared');
    const one = await platform.dataWith({ a: shared, own: Buffer.from('own') });
    const two = await platform.dataWith({ b: shared });

    expect((await platform.call('DELETE', `data/${one.id}`)).status).toBe(204);
    expect(await rows('blobs')).toBe(1);
    expect(await storedFiles()).toHaveLength(1);

    const [file] = (await platform.call('GET', `data/${two.id}/files`)).body.items;
    expect((await download(two.id, file.id)).bytes.toString()).toBe('shared');
    expect((await platform.call('DELETE', `data/${two.id}/files/${file.id}`)).status).toBe(204);
    expect((await platform.call('GET', `data/${two.id}`)).body).toMatchObject({ fileCount: 0, totalSize: 0 });
    expect(await rows('blobs')).toBe(0);
    expect(await storedFiles()).toEqual([]);
  });

  it('never loses a file that is stored while an equal one is removed', async () => {
    const bytes = Buffer.from('comes and goes');
    for (let round = 0; round < 8; round += 1) {
      const [going, coming] = [await platform.dataWith({ a: bytes }), await platform.dataWith({})];
      const [, stored] = await Promise.all([
        platform.call('DELETE', `data/${going.id}`),
        platform.upload(coming.id, { a: bytes }),
        sweepObjects(platform.parts, hours(2)),
      ]);
      expect(stored.status).toBe(201);
      expect((await download(coming.id, stored.body.files[0].id)).bytes.equals(bytes)).toBe(true);
      await platform.call('DELETE', `data/${coming.id}`);
    }
    await sweepObjects(platform.parts, hours(2));
    expect(await storedFiles()).toEqual([]);
  });

  it('gives up an upload on request, with its data, or when its time is over', async () => {
    const { body: data } = await platform.call('POST', 'data', { name: 'given up' });
    const [one, two, three] = [await start(data.id, 'one', 3), await start(data.id, 'two', 3), await start(data.id, 'three', 3)];
    for (const upload of [one, two, three]) await put(upload, 1, Buffer.from('abc'));

    expect((await platform.call('DELETE', `uploads/${one.id}`)).status).toBe(204);
    expect((await platform.call('DELETE', `uploads/${one.id}`)).status).toBe(404);
    expect((await put(one, 1, Buffer.from('abc'))).body).toMatchObject({ code: 'not-found' });
    expect(await storedFiles()).toHaveLength(2);

    await database()
      .db.updateTable('uploads')
      .set({ expires_at: hours(-1) })
      .where('id', '=', two.id)
      .execute();
    expect((await platform.call('GET', `uploads/${two.id}`)).status).toBe(404);
    expect(await sweepObjects(platform.parts, new Date())).toMatchObject({ expiredUploads: 1 });
    expect(await storedFiles()).toEqual([`uploads/${platform.tenant}/${three.id}`]);

    await platform.call('DELETE', `data/${data.id}`);
    expect(await storedFiles()).toEqual([]);
    expect(await rows('upload_parts')).toBe(0);
  });

  it('stops whoever is sending when the upload is given up', async () => {
    const { body: data } = await platform.call('POST', 'data', { name: 'given up' });
    const upload = await start(data.id, 'file', 1_000_000);
    const request = http.request(`${platform.url}${upload.partUrl.replace('{part}', '1')}`, { method: 'PUT', headers: { 'content-length': 1_000_000 } });
    const closed = once(request, 'error');
    request.write(Buffer.alloc(10));
    while ((await storedFiles()).length === 0) await new Promise(setImmediate);

    expect((await platform.call('DELETE', `uploads/${upload.id}`)).status).toBe(204);
    expect(await closed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(await storedFiles()).toEqual([]);
  });

  it('leaves nothing behind whatever a crash interrupts', async () => {
    const data = await platform.dataWith({ kept: Buffer.from('kept') });
    const { store, db } = platform.parts;
    const [kept] = await db.selectFrom('blobs').select('id').where('tenant_id', '=', platform.tenant).execute();
    // Sealed, but the rows were never stored; then the upload's time is over.
    const sealed = await start(data.id, 'sealed', 3);
    await put(sealed, 1, Buffer.from('abc'));
    await store.seal([{ tenant: platform.tenant, id: sealed.id as never, size: 3, partSize: UPLOAD_PART_BYTES }]);
    await db
      .updateTable('uploads')
      .set({ expires_at: hours(-1) })
      .where('id', '=', sealed.id)
      .execute();
    // The rows were committed, but what was pending not cleared away.
    await store.markForRemoval(platform.tenant, [kept?.id as never]);
    // The loser of two equal contents: committed without a blob of its own, its bytes not removed.
    const loser = { tenant: platform.tenant, id: newId() as never, size: 0, partSize: 1 };
    await store.seal([loser]);
    // A blob without any file: its removal did not begin.
    await db.insertInto('blobs').values({ tenant_id: platform.tenant, id: newId(), digest: 'sha256:lost', size: 1, created_at: new Date() }).execute();

    expect((await sweepObjects(platform.parts, new Date())).leftovers).toBe(0);
    expect(await sweepObjects(platform.parts, hours(2))).toEqual({ expiredUploads: 0, leftovers: 2, blobs: 0 });
    expect((await storedFiles()).map((file) => path.basename(file))).toEqual([kept?.id]);
    expect(await rows('blobs')).toBe(1);
  });

  it('goes on with an upload after a restart', async () => {
    const bytes = randomBytes(2 * UPLOAD_PART_BYTES + 1);
    const { body: data } = await platform.call('POST', 'data', { name: 'restart' });
    const upload = await start(data.id, 'file', bytes.length);
    await put(upload, 1, bytes.subarray(0, UPLOAD_PART_BYTES));
    await put(upload, 3, bytes.subarray(2 * UPLOAD_PART_BYTES));

    const after = await openTestPlatform(database().db, { goesOnFrom: platform, ...store });
    const { body: resumed } = await after.call('GET', `uploads/${upload.id}`);
    expect(resumed.received).toEqual([1, 3]);
    await after.call('PUT', upload.partUrl.replace('{part}', '2'), bytes.subarray(UPLOAD_PART_BYTES, 2 * UPLOAD_PART_BYTES));
    const done = await after.call('POST', `data/${data.id}/uploads/complete`, { uploads: [{ id: upload.id }] });
    expect(done.body.files).toMatchObject([{ digest: sha256(bytes) }]);
    await after.close();
  });

  it('refuses clearly on a full disk, and works again when there is space', async (context) => {
    if (inS3) return context.skip('the disk is that of the home');
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return context.skip('mounting a small disk needs Linux and root');
    const home = await mkdtemp(path.join(tmpdir(), 'sodate-full-'));
    await mkdir(home, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', home]);
    const small = await openTestPlatform(database().db, { home });
    try {
      const { body: data } = await small.call('POST', 'data', { name: 'full' });
      const tooLarge = await small.call('POST', `data/${data.id}/uploads`, { files: [{ name: 'large', size: 5_000_000 }] });
      expect(tooLarge.status).toBe(507);
      expect(tooLarge.body.code).toBe('disk-full');
      // Each fits by itself; together they do not.
      const { body } = await small.call('POST', `data/${data.id}/uploads`, { files: [{ name: 'one', size: 3_000_000 }] });
      const { body: second } = await small.call('POST', `data/${data.id}/uploads`, { files: [{ name: 'two', size: 3_000_000 }] });
      const send = (upload: { partUrl: string }) => small.call('PUT', upload.partUrl.replace('{part}', '1'), randomBytes(3_000_000));
      expect((await send(body.uploads[0])).status).toBe(200);
      expect(await send(second.uploads[0])).toMatchObject({ status: 507, body: { code: 'disk-full' } });
      expect((await small.call('POST', `data/${data.id}/uploads/complete`, { uploads: [{ id: body.uploads[0].id }] })).status).toBe(201);
      expect(await send(second.uploads[0])).toMatchObject({ status: 507 });

      const [file] = (await small.call('GET', `data/${data.id}/files`)).body.items;
      expect((await small.call('DELETE', `data/${data.id}/files/${file.id}`)).status).toBe(204);
      expect((await send(second.uploads[0])).status).toBe(200);
      expect((await small.call('POST', `data/${data.id}/uploads/complete`, { uploads: [{ id: second.uploads[0].id }] })).status).toBe(201);
    } finally {
      await small.close();
      execFileSync('umount', [home]);
      await rm(home, { recursive: true });
    }
  });

  it('does not show uploads and files to another tenant', async () => {
    const data = await platform.dataWith({ a: Buffer.from('a') });
    const upload = await start(data.id, 'b', 1);
    const [file] = (await platform.call('GET', `data/${data.id}/files`)).body.items;
    const other = newId();
    for (const [method, at] of [
      ['GET', `data/${data.id}`],
      ['GET', `data/${data.number}/files`],
      ['GET', `data/${data.id}/files/${file.id}/content`],
      ['DELETE', `data/${data.id}/files/${file.id}`],
      ['GET', `uploads/${upload.id}`],
      ['DELETE', `uploads/${upload.id}`],
      ['DELETE', `data/${data.id}`],
    ] as const) {
      expect((await platform.call(method, `/v1/tenants/${other}/${at}`)).status, `${method} ${at}`).toBe(404);
    }
  });
});

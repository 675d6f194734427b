import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import { blobOfUpload, type ObjectStore, partCountOf, type PendingObject, type UploadShape } from '#kit/object-store/object-store.ts';
import { newId } from '#kit/ids.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PART = 1024 * 1024;
const never = new AbortController().signal;
const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('file system object store', () => {
  let home = '';
  let store: ObjectStore;
  const tenant = newId<TenantId>();
  beforeEach(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'sodate-store-'));
    store = makeFileSystemObjectStore({ home });
  });
  afterEach(async () => {
    await store.close();
    await rm(home, { recursive: true });
  });

  const shape = (size: number, partSize = PART): UploadShape => ({ tenant, id: newId<UploadId>(), size, partSize });
  const partOf = (bytes: Buffer, upload: UploadShape, part: number): Readable =>
    Readable.from([bytes.subarray((part - 1) * upload.partSize, part * upload.partSize)]);
  const parts = (upload: UploadShape): number[] => Array.from({ length: partCountOf(upload) }, (_, index) => index + 1);
  const send = async (bytes: Buffer, order: (numbers: number[]) => number[] = (numbers) => numbers): Promise<UploadShape> => {
    const upload = shape(bytes.length);
    for (const part of order(parts(upload))) await store.writePart(upload, part, partOf(bytes, upload, part), never);
    return upload;
  };
  const sealed = async (upload: UploadShape): Promise<string | undefined> => (await store.seal([upload])).get(upload.id)?.digest;
  const readBack = async (upload: UploadShape, range?: { start: number; end: number }): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    for await (const piece of await store.read(tenant, blobOfUpload(upload.id), range)) pieces.push(piece as Buffer);
    return Buffer.concat(pieces);
  };
  const pending = async (): Promise<PendingObject[]> => {
    const found: PendingObject[] = [];
    for await (const object of store.listPending()) found.push(object);
    return found;
  };
  const filesBelow = async (folder: string): Promise<string[]> =>
    (await readdir(path.join(home, folder), { recursive: true, withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);

  it.each([
    ['in order', (numbers: number[]) => numbers],
    ['backwards', (numbers: number[]) => numbers.toReversed()],
    ['each twice', (numbers: number[]) => numbers.flatMap((number) => [number, number])],
  ])('makes a blob of parts that come %s', async (_name, order) => {
    const bytes = randomBytes(5 * PART + 17);
    const upload = await send(bytes, order);

    expect(await sealed(upload)).toBe(sha256(bytes));
    expect((await readBack(upload)).equals(bytes)).toBe(true);
    expect((await readBack(upload, { start: PART - 3, end: PART + 2 })).equals(bytes.subarray(PART - 3, PART + 3))).toBe(true);
  });

  it('digests what is there at the end, though other bytes were followed before', async () => {
    const first = randomBytes(4 * PART);
    const second = Buffer.from(first);
    second.fill(7, 0, 100);
    const upload = await send(first);

    await store.writePart(upload, 1, partOf(second, upload, 1), never);

    expect(await sealed(upload)).toBe(sha256(second));
  });

  it('goes on with an upload after a restart', async () => {
    const bytes = randomBytes(3 * PART);
    const upload = shape(bytes.length);
    await store.writePart(upload, 1, partOf(bytes, upload, 1), never);
    await store.close();
    store = makeFileSystemObjectStore({ home });
    await store.writePart(upload, 2, partOf(bytes, upload, 2), never);
    await store.writePart(upload, 3, partOf(bytes, upload, 3), never);

    expect(await sealed(upload)).toBe(sha256(bytes));
  });

  it('seals again after a crash in between, and lets nobody write to what is sealed', async () => {
    const bytes = randomBytes(PART);
    const upload = await send(bytes);
    const digest = await sealed(upload);
    await store.close();
    store = makeFileSystemObjectStore({ home });

    expect(await sealed(upload)).toBe(digest);
    await store.forget(tenant, upload.id);
    expect(await pending()).toEqual([]);
    expect((await readBack(upload)).equals(bytes)).toBe(true);
    const [name] = await filesBelow('objects');
    expect(name).toBe(upload.id);
    const file = path.join(home, 'objects', tenant, upload.id.slice(-2), upload.id);
    expect((await stat(file)).mode & 0o777).toBe(0o444);
    expect((await stat(file)).nlink).toBe(1);
  });

  it('holds a file of zero bytes', async () => {
    const upload = shape(0);
    expect(parts(upload)).toEqual([]);
    expect(await sealed(upload)).toBe(sha256(Buffer.alloc(0)));
    expect(await readBack(upload)).toHaveLength(0);
  });

  it.each([
    ['too few bytes', PART - 1],
    ['too many bytes', PART + 1],
    ['no bytes', 0],
  ])('refuses a part of %s', async (_name, length) => {
    const upload = shape(2 * PART);
    await expect(store.writePart(upload, 1, Readable.from([Buffer.alloc(length)]), never)).rejects.toMatchObject({ code: 'part-out-of-form' });
  });

  it('tells an upload that lacks its end', async () => {
    const bytes = randomBytes(2 * PART);
    const upload = shape(bytes.length);
    await store.writePart(upload, 1, partOf(bytes, upload, 1), never);
    await expect(store.seal([upload])).rejects.toMatchObject({ code: 'upload-incomplete' });
    expect(await filesBelow('objects')).toEqual([]);
  });

  it('stops a part that is being sent when it is told to', async () => {
    const upload = shape(PART);
    const stop = new AbortController();
    const body = new Readable({ read() {} });
    body.push(Buffer.alloc(10));
    const writing = store.writePart(upload, 1, body, stop.signal);
    stop.abort();
    await expect(writing).rejects.toThrow('given up');
    expect(body.destroyed).toBe(true);
  });

  it('lists what is pending until it is forgotten, and removes blobs', async () => {
    const bytes = randomBytes(10);
    const upload = await send(bytes);
    const blob = blobOfUpload(upload.id);
    expect((await pending()).map(({ id }) => id)).toEqual([upload.id]);
    await sealed(upload);
    await store.forget(tenant, upload.id);
    await store.markForRemoval(tenant, [blob]);
    expect((await pending()).map(({ id }) => id)).toEqual([upload.id]);

    const reader = await store.read(tenant, blob);
    await store.removeBlob(tenant, blob);
    await store.removeBlob(tenant, blob);
    await store.forget(tenant, blob);

    expect(Buffer.concat(await reader.toArray()).equals(bytes)).toBe(true);
    await expect(store.read(tenant, blob)).rejects.toMatchObject({ code: 'not-found' });
    expect(await pending()).toEqual([]);
    expect(await filesBelow('.')).toEqual([]);
  });

  it('keeps tenants apart', async () => {
    const upload = await send(randomBytes(10));
    await sealed(upload);
    await expect(store.read(newId<TenantId>(), blobOfUpload(upload.id))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('links and copies blobs into a tree, again and again', async () => {
    const bytes = randomBytes(100);
    const upload = await send(bytes);
    await sealed(upload);
    const blob = blobOfUpload(upload.id);
    const links = Array.from({ length: 2_500 }, (_, index) => ({ blob, target: path.join(home, 'tree', String(index % 50), `${index}-数字.png`) }));

    await store.linkBlobs(tenant, links, 'link', never);
    await store.linkBlobs(tenant, links, 'link', never);
    await store.linkBlobs(tenant, [{ blob, target: path.join(home, 'tree', 'copied') }], 'copy', never);

    expect((await filesBelow('tree')).length).toBe(2_501);
    const linked = await stat(path.join(home, 'tree', '7', '7-数字.png'));
    const copied = await stat(path.join(home, 'tree', 'copied'));
    expect(linked.nlink).toBeGreaterThan(2_500);
    expect(copied.ino).not.toBe(linked.ino);
    expect((await readFile(path.join(home, 'tree', 'copied'))).equals(bytes)).toBe(true);
  });

  it('says so when a blob to be linked is not there, and stops when told to', async () => {
    await expect(store.linkBlobs(tenant, [{ blob: blobOfUpload(newId<UploadId>()), target: path.join(home, 'x') }], 'link', never)).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await expect(store.linkBlobs(tenant, [], 'link', AbortSignal.abort())).rejects.toThrow('aborted');
  });

  it('stops at a blob that is missing, with thousands of links still to come, and in the middle when told to', async () => {
    const upload = await send(randomBytes(10));
    await sealed(upload);
    await store.forget(tenant, upload.id);
    const blob = blobOfUpload(upload.id);
    const taken = { count: 0 };
    const endless = function* (first: { blob: typeof blob }) {
      for (;;) yield { blob: taken.count === 0 ? first.blob : blob, target: path.join(home, 'endless', String(taken.count % 100), String(taken.count++)) };
    };
    await expect(store.linkBlobs(tenant, endless({ blob: blobOfUpload(newId<UploadId>()) }), 'link', never)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await pending()).toEqual([]);

    const told = new AbortController();
    const until = function* () {
      for (const link of endless({ blob })) {
        if (taken.count === 30_000) told.abort(new Error('enough'));
        yield link;
      }
    };
    taken.count = 0;
    await expect(store.linkBlobs(tenant, until(), 'link', told.signal)).rejects.toThrow('enough');
  });

  it('links nothing of a batch in which a path has a NUL character', async () => {
    const upload = await send(randomBytes(10));
    await sealed(upload);
    const blob = blobOfUpload(upload.id);
    const targets = ['good', 'with\0NUL'].map((name) => path.join(home, 'tree', name));
    await expect(
      store.linkBlobs(
        tenant,
        targets.map((target) => ({ blob, target })),
        'link',
        never,
      ),
    ).rejects.toThrow('NUL');
    expect(await filesBelow('tree')).toEqual([]);
  });

  it('makes a second copy of a blob where the links of the first have run out', async (context) => {
    const bytes = randomBytes(10);
    const upload = await send(bytes);
    await sealed(upload);
    await store.forget(tenant, upload.id);
    const blob = blobOfUpload(upload.id);
    const target = (index: number): string => path.join(home, 'many', String(index % 100), String(index));
    const links = function* (from: number, to: number) {
      for (let index = from; index < to; index += 1) yield { blob, target: target(index) };
    };
    await store.linkBlobs(tenant, links(0, 65_010), 'link', never);
    if ((await stat(target(0))).nlink > 65_010) return context.skip('this file system has no such limit');
    expect((await stat(target(0))).nlink).toBe(65_000);
    expect((await stat(target(65_009))).nlink).toBe(12);
    expect((await readFile(target(65_009))).equals(bytes)).toBe(true);

    await store.linkBlobs(tenant, links(70_000, 70_010), 'link', never);
    expect((await stat(target(70_000))).ino).toBe((await stat(target(65_009))).ino);
    expect(await pending()).toEqual([]);

    await store.removeBlob(tenant, blob);
    expect(await filesBelow('objects')).toEqual([]);
  }, 240_000);

  it('answers a full disk clearly, and gives back what the failed part took', async (context) => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return context.skip('mounting a small disk needs Linux and root');
    const small = path.join(home, 'small');
    await mkdir(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]);
    const full = makeFileSystemObjectStore({ home: small });
    try {
      const bytes = randomBytes(6 * PART);
      const upload: UploadShape = { tenant, id: newId<UploadId>(), size: bytes.length, partSize: 3 * PART };
      await full.writePart(upload, 1, Readable.from([bytes.subarray(0, 3 * PART)]), never);
      const before = await full.freeBytes();
      const error: unknown = await full.writePart(upload, 2, Readable.from([bytes.subarray(3 * PART)]), never).catch((thrown: unknown) => thrown);

      expect(isSodateError(error) && error.code).toBe('disk-full');
      expect(await full.freeBytes()).toBe(before);
      await expect(full.seal([upload])).rejects.toMatchObject({ code: 'upload-incomplete' });

      await full.forget(tenant, upload.id);
      const fitting: UploadShape = { tenant, id: newId<UploadId>(), size: PART, partSize: 3 * PART };
      await full.writePart(fitting, 1, Readable.from([bytes.subarray(0, PART)]), never);
      expect((await full.seal([fitting])).get(fitting.id)?.digest).toBe(sha256(bytes.subarray(0, PART)));
    } finally {
      await full.close();
      execFileSync('umount', [small]);
    }
  });
});

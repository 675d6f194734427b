import { blobOfUpload, type ObjectStore, partCountOf, type PendingObject, type UploadShape } from '#kit/object-store/object-store.ts';
import { newId } from '#kit/ids.ts';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** What every object store promises, asked of each implementation by its own test. */
export interface StoreHarness {
  /** A folder of this machine that the store's links may go to. */
  readonly folder: string;
  /** A new store object on the same bytes: what a server has after a restart. */
  open(): ObjectStore;
  /** Ids of the blobs whose bytes are stored, however many copies. */
  blobs(): Promise<readonly string[]>;
  /** Whatever the store keeps, blobs and pending ones included, in words. */
  traces(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const never = new AbortController().signal;

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export const partOf = (bytes: Buffer, upload: UploadShape, part: number): Readable =>
  Readable.from([bytes.subarray((part - 1) * upload.partSize, part * upload.partSize)]);

export const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile()).map((entry) => entry.name);

/** @param partBytes of the parts that uploads have here: the least that the store takes */
export function describeStoreConformance(name: string, partBytes: number, makeHarness: () => Promise<StoreHarness>, skipped = false): void {
  const PART = partBytes;
  describe.skipIf(skipped)(`${name} keeps the object store port's promises`, () => {
    const tenant = newId<TenantId>();
    let harness: StoreHarness;
    let store: ObjectStore;
    beforeEach(async () => {
      harness = await makeHarness();
      store = harness.open();
    });
    afterEach(async () => {
      await store.close();
      await harness.close();
    });

    const restart = async (): Promise<void> => {
      await store.close();
      store = harness.open();
    };
    const shape = (size: number, partSize = PART): UploadShape => ({ tenant, id: newId<UploadId>(), size, partSize });
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

    it.each([
      ['in order', (numbers: number[]) => numbers],
      ['backwards', (numbers: number[]) => numbers.toReversed()],
      ['each twice', (numbers: number[]) => numbers.flatMap((number) => [number, number])],
    ])('makes a blob of parts that come %s', async (_name, order) => {
      const bytes = randomBytes(3 * PART + 17);
      const upload = await send(bytes, order);

      expect(await sealed(upload)).toBe(sha256(bytes));
      expect((await readBack(upload)).equals(bytes)).toBe(true);
      expect((await readBack(upload, { start: PART - 3, end: PART + 2 })).equals(bytes.subarray(PART - 3, PART + 3))).toBe(true);
    });

    it('makes a blob of parts that come side by side', async () => {
      const bytes = randomBytes(3 * PART + 1);
      const upload = shape(bytes.length);
      await Promise.all(parts(upload).map((part) => store.writePart(upload, part, partOf(bytes, upload, part), never)));

      expect(await sealed(upload)).toBe(sha256(bytes));
      expect((await readBack(upload)).equals(bytes)).toBe(true);
      expect(await harness.blobs()).toEqual([upload.id]);
    });

    it.each([
      ['one of several parts', 2 * PART],
      ['the only part', 1000],
    ])('digests what is there at the end, though other bytes were sent before, in %s', async (_name, size) => {
      const first = randomBytes(size);
      const second = Buffer.from(first);
      second.fill(7, 0, 100);
      const upload = await send(first);

      await store.writePart(upload, 1, partOf(second, upload, 1), never);

      expect(await sealed(upload)).toBe(sha256(second));
      expect((await readBack(upload)).equals(second)).toBe(true);
    });

    it('goes on with an upload after a restart', async () => {
      const bytes = randomBytes(3 * PART);
      const upload = shape(bytes.length);
      await store.writePart(upload, 1, partOf(bytes, upload, 1), never);
      await restart();
      await store.writePart(upload, 2, partOf(bytes, upload, 2), never);
      await store.writePart(upload, 3, partOf(bytes, upload, 3), never);

      expect(await sealed(upload)).toBe(sha256(bytes));
    });

    it.each([
      ['one part', 1000],
      ['three parts', 2 * PART + 5],
      ['no part', 0],
    ])('seals an upload of %s again after a crash in between', async (_name, size) => {
      const bytes = randomBytes(size);
      const upload = await send(bytes);
      const digest = await sealed(upload);
      expect(digest).toBe(sha256(bytes));
      await restart();

      expect(await sealed(upload)).toBe(digest);
      expect((await pending()).map(({ id }) => id)).toEqual([upload.id]);
      await store.forget(tenant, upload.id);
      expect(await pending()).toEqual([]);
      expect((await readBack(upload)).equals(bytes)).toBe(true);
      expect(await harness.blobs()).toEqual([upload.id]);
    });

    it.each([
      ['one part', 1000],
      ['three parts', 2 * PART + 5],
    ])('takes a part of a sealed upload of %s again, as its sender does when completing failed', async (_name, size) => {
      const first = randomBytes(size);
      const upload = await send(first);
      await sealed(upload);
      const second = Buffer.from(first);
      second.fill(9, 0, 50);

      await store.writePart(upload, 1, partOf(second, upload, 1), never);

      expect(await sealed(upload)).toBe(sha256(second));
      expect((await readBack(upload)).equals(second)).toBe(true);
    });

    it('seals many uploads at once', async () => {
      const contents = Array.from({ length: 40 }, (_, index) => randomBytes(index * 10));
      const uploads: UploadShape[] = [];
      for (const bytes of contents) uploads.push(await send(bytes));

      const digests = await store.seal(uploads);

      expect(uploads.map(({ id }) => digests.get(id)?.digest)).toEqual(contents.map(sha256));
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
      expect(await harness.blobs()).toEqual([]);
    });

    it('tells an upload of which nothing has come', async () => {
      await expect(store.seal([shape(10)])).rejects.toMatchObject({ code: 'upload-incomplete' });
      expect(await harness.blobs()).toEqual([]);
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

    it.each([
      ['whose connection breaks', (body: PassThrough) => body.destroy(new Error('aborted')), 'aborted'],
      ['that is closed half-way', (body: PassThrough) => body.destroy(), /premature/i],
    ] as const)('takes no part %s, before it is read or while it is', async (_how, cut, message) => {
      const upload = shape(PART);
      for (const when of ['before', 'after']) {
        const body = new PassThrough();
        // Whoever hands a body over listens to its errors: it may break before anybody reads it.
        body.on('error', () => {});
        body.write('half of it');
        if (when === 'before') cut(body);
        await setImmediate();
        const writing = store.writePart(upload, 1, body, never);
        if (when === 'after') {
          await setImmediate();
          cut(body);
        }
        await expect(writing, when).rejects.toThrow(message);
      }
      await expect(store.seal([upload])).rejects.toMatchObject({ code: 'upload-incomplete' });
    });

    it('says the CRC-32 of a part', async () => {
      const bytes = Buffer.alloc(2 * PART + 7, 'seeds ');
      const upload = shape(bytes.length);
      for (const part of parts(upload)) {
        const expected = crc32(await buffer(partOf(bytes, upload, part)))
          .toString(16)
          .padStart(8, '0');
        expect(await store.writePart(upload, part, partOf(bytes, upload, part), never)).toBe(expected);
      }
    });

    it('leaves nothing of an upload that is given up', async () => {
      const bytes = randomBytes(2 * PART);
      const upload = shape(bytes.length);
      await store.writePart(upload, 1, partOf(bytes, upload, 1), never);
      const small = await send(randomBytes(10));
      expect((await pending()).map(({ id }) => id).toSorted()).toEqual([upload.id, small.id].toSorted());
      await restart();

      await store.removeBlob(tenant, blobOfUpload(upload.id));
      await store.forget(tenant, upload.id);
      await store.forget(tenant, upload.id);
      await store.forget(tenant, small.id);

      expect(await harness.traces()).toEqual([]);
    });

    it('lists what is pending until it is forgotten, and removes blobs', async () => {
      const bytes = randomBytes(10);
      const upload = await send(bytes);
      const blob = blobOfUpload(upload.id);
      expect((await pending()).map(({ id }) => id)).toEqual([upload.id]);
      await sealed(upload);
      await store.forget(tenant, upload.id);
      await store.markForRemoval(tenant, [blob]);
      expect((await pending()).map(({ id, tenant: of }) => [id, of])).toEqual([[upload.id, tenant]]);

      const reader = await store.read(tenant, blob);
      await store.removeBlob(tenant, blob);
      await store.removeBlob(tenant, blob);
      await store.forget(tenant, blob);

      expect(Buffer.concat(await reader.toArray()).equals(bytes)).toBe(true);
      await expect(store.read(tenant, blob)).rejects.toMatchObject({ code: 'not-found' });
      expect(await pending()).toEqual([]);
      expect(await harness.traces()).toEqual([]);
    });

    it('keeps a blob whose removal was announced and then forgotten', async () => {
      const bytes = randomBytes(10);
      const upload = await send(bytes);
      await sealed(upload);
      await store.forget(tenant, upload.id);
      await store.markForRemoval(tenant, [blobOfUpload(upload.id)]);
      await restart();
      await store.forget(tenant, blobOfUpload(upload.id));

      expect((await readBack(upload)).equals(bytes)).toBe(true);
      expect(await pending()).toEqual([]);
    });

    it('keeps tenants apart', async () => {
      const upload = await send(randomBytes(10));
      await sealed(upload);
      const stranger = newId<TenantId>();
      await expect(store.read(stranger, blobOfUpload(upload.id))).rejects.toMatchObject({ code: 'not-found' });
      const target = path.join(harness.folder, 'taken');
      await expect(store.linkBlobs(stranger, [{ blob: blobOfUpload(upload.id), target }], 'link', never)).rejects.toMatchObject({ code: 'ENOENT' });
      await store.removeBlob(stranger, blobOfUpload(upload.id));
      await store.forget(stranger, upload.id);
      expect((await pending()).map(({ id }) => id)).toEqual([upload.id]);
      expect(await harness.blobs()).toEqual([upload.id]);
    });

    it('links and copies blobs into a tree, again and again', async () => {
      const bytes = randomBytes(100);
      const upload = await send(bytes);
      await sealed(upload);
      const blob = blobOfUpload(upload.id);
      const tree = path.join(harness.folder, 'tree');
      const links = Array.from({ length: 2_500 }, (_, index) => ({ blob, target: path.join(tree, String(index % 50), `${index}-数字.png`) }));

      await store.linkBlobs(tenant, links, 'link', never);
      await store.linkBlobs(tenant, links, 'link', never);
      await store.linkBlobs(tenant, [{ blob, target: path.join(tree, 'copied') }], 'copy', never);

      expect((await filesBelow(tree)).length).toBe(2_501);
      const linked = await stat(path.join(tree, '7', '7-数字.png'));
      const copied = await stat(path.join(tree, 'copied'));
      expect(linked.nlink).toBeGreaterThan(2_500);
      expect(copied.ino).not.toBe(linked.ino);
      expect((await readFile(path.join(tree, 'copied'))).equals(bytes)).toBe(true);
    });

    it('says so when a blob to be linked is not there, and stops when told to', async () => {
      const target = path.join(harness.folder, 'x');
      await expect(store.linkBlobs(tenant, [{ blob: blobOfUpload(newId<UploadId>()), target }], 'link', never)).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(store.linkBlobs(tenant, [], 'link', AbortSignal.abort())).rejects.toThrow('aborted');
    });

    it('stops at a blob that is missing, with thousands of links still to come, and in the middle when told to', async () => {
      const upload = await send(randomBytes(10));
      await sealed(upload);
      await store.forget(tenant, upload.id);
      const blob = blobOfUpload(upload.id);
      const taken = { count: 0 };
      const endless = function* (first: { blob: typeof blob }) {
        for (;;) {
          yield {
            blob: taken.count === 0 ? first.blob : blob,
            target: path.join(harness.folder, 'endless', String(taken.count % 100), String(taken.count++)),
          };
        }
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
      const tree = path.join(harness.folder, 'tree');
      const links = ['good', 'with\0NUL'].map((file) => ({ blob, target: path.join(tree, file) }));
      await expect(store.linkBlobs(tenant, links, 'link', never)).rejects.toThrow('NUL');
      expect(await filesBelow(tree)).toEqual([]);
    });
  });
}

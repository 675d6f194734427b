import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import { describeStoreConformance, filesBelow, partOf, sha256 } from '#kit/object-store/object-store-conformance.ts';
import { blobOfUpload, type ObjectStore, type PendingObject, type UploadShape } from '#kit/object-store/object-store.ts';
import { newId } from '#kit/ids.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UploadId } from '@sodate/contract/ids.ts';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PART = 1024 * 1024;
const never = new AbortController().signal;

describeStoreConformance('the file system', PART, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-store-'));
  const home = path.join(folder, 'home');
  return {
    folder,
    open: () => makeFileSystemObjectStore({ home }),
    blobs: () => filesBelow(path.join(home, 'objects')),
    traces: () => filesBelow(home),
    close: () => rm(folder, { recursive: true }),
  };
});

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

  const send = async (bytes: Buffer): Promise<UploadShape> => {
    const upload: UploadShape = { tenant, id: newId<UploadId>(), size: bytes.length, partSize: PART };
    await store.writePart(upload, 1, partOf(bytes, upload, 1), never);
    return upload;
  };
  const sealed = async (upload: UploadShape): Promise<string | undefined> => (await store.seal([upload])).get(upload.id)?.digest;
  const pending = async (): Promise<PendingObject[]> => {
    const found: PendingObject[] = [];
    for await (const object of store.listPending()) found.push(object);
    return found;
  };

  it('lets nobody write to what is sealed, and keeps one name of it when it is forgotten', async () => {
    const upload = await send(randomBytes(PART));
    await sealed(upload);
    await store.forget(tenant, upload.id);
    const file = path.join(home, 'objects', tenant, upload.id.slice(-2), upload.id);
    expect((await stat(file)).mode & 0o777).toBe(0o444);
    expect((await stat(file)).nlink).toBe(1);
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
    expect(await filesBelow(path.join(home, 'objects'))).toEqual([]);
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

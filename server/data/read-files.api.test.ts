import { openTestPlatform, type TestPlatform } from '#data/open-test-platform.ts';
import { useTestDatabase } from '#kit/db/test-database.ts';
import { newId } from '#kit/ids.ts';
import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { makeClient } from '@sodate/client/make-client.ts';
import { readFilesOf } from '@sodate/client/read-files.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('many files by one request', () => {
  const database = useTestDatabase();
  let platform: TestPlatform;
  /** What the store is asked to read; may throw instead. */
  const reading: { before: (count: number) => void; count: number; open: number; mostOpen: number } = { before: () => {}, count: 0, open: 0, mostOpen: 0 };
  const watched = (home: string): ObjectStore => {
    const store = makeFileSystemObjectStore({ home });
    return {
      ...store,
      async read(...asked) {
        reading.count += 1;
        reading.before(reading.count);
        const stream = await store.read(...asked);
        reading.open += 1;
        reading.mostOpen = Math.max(reading.mostOpen, reading.open);
        stream.once('close', () => (reading.open -= 1));
        return stream;
      },
    };
  };
  beforeEach(async () => {
    Object.assign(reading, { before: () => {}, count: 0, open: 0, mostOpen: 0 });
    platform = await openTestPlatform(database().db, { openStore: watched });
  });
  afterEach(() => platform.close());

  const signal = new AbortController().signal;
  const client = () => makeClient({ server: platform.url, token: 'anybody', backoff: { retries: 0, firstDelayMs: 1, longestDelayMs: 1 } });
  const idsOf = async (data: string): Promise<Map<string, string>> => {
    const { body } = await platform.call('GET', `data/${data}/files?limit=1000`);
    return new Map(body.items.map(({ id, name }: { id: string; name: string }) => [name, id]));
  };
  const read = async (data: string, files: readonly string[], tenant: TenantId = platform.tenant) => {
    const got: { id: string; digest: string; bytes: Buffer }[] = [];
    for await (const { id, digest, bytes } of readFilesOf(client(), { tenant, data, files, signal })) got.push({ id, digest, bytes: Buffer.from(bytes) });
    return got;
  };

  it('come in the order asked for, each whole, with few of them open at once', async () => {
    const contents = Object.fromEntries(Array.from({ length: 40 }, (_nothing, index) => [`${index}`, randomBytes(index === 7 ? 0 : 100 + index * 1_500)]));
    const data = await platform.dataWith(contents);
    const ids = await idsOf(data.id);
    const order = [...ids.keys()].toReversed();
    reading.count = 0;
    const got = await read(
      data.id,
      order.map((name) => ids.get(name) ?? ''),
    );
    expect(got.map(({ id }) => id)).toEqual(order.map((name) => ids.get(name)));
    for (const [at, { bytes, digest }] of got.entries()) {
      expect(bytes.equals(contents[order[at] ?? ''] ?? Buffer.alloc(1))).toBe(true);
      expect(digest).toBe(sha256(bytes));
    }
    expect(reading.count, 'of nothing there is nothing to read').toBe(39);
    expect(reading.mostOpen).toBeLessThanOrEqual(16);
  });

  it('are those of this data and tenant alone; the others are left out, as is what is named twice', async () => {
    const [mine, other] = [await platform.dataWith({ a: Buffer.from('a') }), await platform.dataWith({ b: Buffer.from('b') })];
    const [a = '', b = ''] = [(await idsOf(mine.id)).get('a'), (await idsOf(other.id)).get('b')];
    expect((await read(mine.id, [b, a, newId<string>(), a.toUpperCase()])).map(({ bytes }) => bytes.toString())).toEqual(['a']);
    await expect(read(mine.id, [b])).rejects.toMatchObject({ code: 'not-found' });
    const strange = await openTestPlatform(database().db);
    try {
      await expect(read(mine.id, [a], strange.tenant)).rejects.toMatchObject({ code: 'not-found' });
    } finally {
      await strange.close();
    }
  });

  it('are refused when one or all together are too large, before anything is read', async () => {
    const large = randomBytes(1024 * 1024);
    const data = await platform.dataWith({
      large: Buffer.concat([large, large]),
      ...Object.fromEntries(Array.from({ length: 33 }, (_n, at) => [`${at}`, large])),
    });
    const ids = await idsOf(data.id);
    reading.count = 0;
    const small = [...ids].filter(([name]) => name !== 'large').map(([, id]) => id);
    await expect(read(data.id, [ids.get('large') ?? ''])).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('large is larger'),
    });
    await expect(read(data.id, small)).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('ask for fewer') });
    expect(reading.count).toBe(0);
    expect(await read(data.id, small.slice(1))).toHaveLength(32);
  });

  it('whose bytes cannot be had are an error at first, and later the end of an answer that is whole as far as it came', async () => {
    const data = await platform.dataWith(Object.fromEntries(Array.from({ length: 40 }, (_nothing, at) => [String(at).padStart(2, '0'), randomBytes(50_000)])));
    const ids = [...(await idsOf(data.id)).values()];
    const trouble = new SodateError('object-store-unavailable', { reason: 'it is away' });
    reading.count = 0;
    reading.before = () => {
      throw trouble;
    };
    await expect(read(data.id, ids)).rejects.toMatchObject({ code: 'object-store-unavailable' });
    reading.count = 0;
    reading.before = (count) => {
      if (count > 30) throw trouble;
    };
    const came: string[] = [];
    const broken = (async () => {
      for await (const { digest, bytes } of readFilesOf(client(), { tenant: platform.tenant, data: data.id, files: ids, signal })) {
        expect(sha256(bytes)).toBe(digest);
        came.push(digest);
      }
    })();
    await expect(broken).rejects.toMatchObject({ name: 'ConnectionError', passing: true });
    expect(came.length).toBeLessThanOrEqual(30);
    await expect.poll(() => reading.open).toBe(0);
  });

  it('are given up when the reader goes', async () => {
    const data = await platform.dataWith(Object.fromEntries(Array.from({ length: 32 }, (_nothing, at) => [`${at}`, randomBytes(1024 * 1024)])));
    const ids = [...(await idsOf(data.id)).values()];
    reading.count = 0;
    for await (const { bytes } of readFilesOf(client(), { tenant: platform.tenant, data: data.id, files: ids, signal })) {
      expect(bytes.length).toBe(1024 * 1024);
      break;
    }
    await expect.poll(() => reading.open).toBe(0);
    // The reader may have taken what its connection holds, and no more.
    expect(reading.count).toBeLessThan(32);
  });

  it('whose store has lost one break off there', async () => {
    const data = await platform.dataWith({ a: Buffer.from('a'), b: Buffer.from('b') });
    const ids = [...(await idsOf(data.id)).values()];
    await rm(path.join(platform.home, 'objects'), { recursive: true });
    await expect(read(data.id, ids)).rejects.toMatchObject({ code: 'not-found' });
  });
});

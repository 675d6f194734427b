import type { Clock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { type BlobCache, openBlobCache } from '#kit/object-store/blob-cache.ts';
import { type FileHasher, makeFileHasher } from '#kit/object-store/file-hasher.ts';
import type { BlobId } from '#kit/object-store/object-store.ts';
import { filesBelow, sha256 } from '#kit/object-store/object-store-conformance.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { link, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

describe('the cache of blobs', () => {
  const tenant = newId<TenantId>();
  let folder = '';
  let hasher: FileHasher;
  let cache: BlobCache;
  /** What can be fetched, and what was. */
  const remote = new Map<string, { bytes: Buffer; stream?: () => Readable }>();
  const fetched: string[] = [];
  const starts: number[] = [];
  const time = { ms: Date.now() };
  const clock: Clock = { now: () => new Date((time.ms += 1000)), sleep: async () => {} };

  const reopen = (budgetBytes = 1000): void => {
    cache = openBlobCache({
      folder: path.join(folder, 'cache'),
      budgetBytes,
      hasher,
      clock,
      fetch: async (_tenant, blob, start) => {
        const found = remote.get(blob);
        if (!found) throw Object.assign(new Error('no such blob'), { code: 'ENOENT' });
        if (start > 0 && start >= found.bytes.length) throw new RangeError('no such byte');
        fetched.push(blob);
        starts.push(start);
        return { length: found.bytes.length - start, bytes: found.stream?.() ?? Readable.from([found.bytes.subarray(start)]) };
      },
    });
  };
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sodate-cache-'));
    hasher = makeFileHasher(new URL('./hash-worker.ts', import.meta.url));
    remote.clear();
    fetched.length = 0;
    starts.length = 0;
    reopen();
  });
  afterEach(async () => {
    cache.close();
    await hasher.close();
    await rm(folder, { recursive: true });
  });

  const keep = (bytes: Buffer, stream?: () => Readable): BlobId => {
    const blob = newId<BlobId>();
    remote.set(blob, { bytes, ...(stream ? { stream } : {}) });
    return blob;
  };
  const use = async (...blobs: readonly BlobId[]): Promise<string[]> => {
    const letGo = cache.hold();
    try {
      const files: string[] = [];
      for (const blob of blobs) files.push(await cache.file(tenant, blob));
      return files;
    } finally {
      letGo();
    }
  };
  const cached = async (): Promise<string[]> => (await filesBelow(path.join(folder, 'cache', 'objects'))).toSorted();

  it('fetches once, for those who ask at once and for those who come later', async () => {
    const bytes = Buffer.from('some bytes');
    const blob = keep(bytes);
    const letGo = cache.hold();
    const files = await Promise.all(Array.from({ length: 20 }, () => cache.file(tenant, blob, sha256(bytes))));
    letGo();
    reopen();
    await use(blob);

    expect(fetched).toEqual([blob]);
    expect(new Set(files).size).toBe(1);
    expect((await readFile(files[0] ?? '')).equals(bytes)).toBe(true);
    expect((await stat(files[0] ?? '')).mode & 0o777).toBe(0o444);
  });

  it('removes what was not used for longest to stay below its budget, also after a restart', async () => {
    const blobs = Array.from({ length: 4 }, () => keep(Buffer.alloc(300)));
    const [first, second, third, fourth] = blobs as [BlobId, BlobId, BlobId, BlobId];
    await use(first);
    await use(second);
    await use(third);
    await use(first);
    reopen();
    await use(fourth);

    expect(await cached()).toEqual([first, fourth, third].toSorted().filter((blob) => blob !== second));
    await use(second);
    expect(fetched).toEqual([first, second, third, fourth, second]);
  });

  it('makes room again after the disk has failed to once', async (context) => {
    const [first, second, third] = [keep(Buffer.alloc(600)), keep(Buffer.alloc(600)), keep(Buffer.alloc(600))];
    const [file = ''] = await use(first);
    try {
      execFileSync('chattr', ['+i', file], { stdio: 'ignore' });
    } catch {
      context.skip('no file can be made immutable here');
    }
    await expect(use(second))
      .rejects.toThrow('EPERM')
      .finally(() => execFileSync('chattr', ['-i', file]));
    await use(second);
    await use(third);
    expect(await cached()).toEqual([third]);
  });

  it('does not change the time of change of a file that jobs see', async () => {
    const blob = keep(Buffer.alloc(10));
    const [file = ''] = await use(blob);
    const { mtimeMs } = await stat(file);
    await use(blob);
    expect((await stat(file)).mtimeMs).toBe(mtimeMs);
  });

  it('keeps what a staged folder links, though the budget is exceeded', async () => {
    const [linked, free, next] = [keep(Buffer.alloc(600)), keep(Buffer.alloc(300)), keep(Buffer.alloc(700))];
    const [file = ''] = await use(linked);
    await link(file, path.join(folder, 'staged'));
    await use(free);
    await use(next);

    expect(await cached()).toEqual([linked, next].toSorted());
    await rm(path.join(folder, 'staged'));
    await use(free);
    expect(await cached()).toContain(free);
    expect(await cached()).not.toContain(linked);
  });

  it('keeps what is held until it is linked, however much that is', async () => {
    const blobs = Array.from({ length: 12 }, () => keep(Buffer.alloc(300)));
    const letGo = cache.hold();
    const files = await Promise.all(blobs.map((blob) => cache.file(tenant, blob)));
    for (const file of files) expect((await stat(file)).size).toBe(300);
    letGo();
    const [next] = [keep(Buffer.alloc(300))];
    await use(next);
    expect((await cached()).length).toBeLessThanOrEqual(3);
    expect(await cached()).toContain(next);
  });

  it('keeps what was fetched before and is used in a hold', async () => {
    const old = keep(Buffer.alloc(500));
    await use(old);
    const letGo = cache.hold();
    const file = await cache.file(tenant, old);
    await cache.file(tenant, keep(Buffer.alloc(900)));
    expect((await stat(file)).size).toBe(500);
    letGo();
  });

  it.each([
    ['breaks off', (bytes: Buffer) => Readable.from([bytes.subarray(0, 5)])],
    [
      'fails',
      (bytes: Buffer) =>
        Readable.from(
          (async function* () {
            yield bytes.subarray(0, 5);
            throw new Error('the connection broke');
          })(),
        ),
    ],
    ['brings other bytes', (bytes: Buffer) => Readable.from([Buffer.alloc(bytes.length)])],
  ])('has nothing of a fetch that %s, and fetches anew', async (_name, stream) => {
    const bytes = Buffer.from('the bytes that were stored');
    const blob = keep(bytes, () => stream(bytes));
    const letGo = cache.hold();
    await expect(cache.file(tenant, blob, sha256(bytes))).rejects.toThrow();
    expect(await filesBelow(path.join(folder, 'cache'))).toEqual([]);

    remote.set(blob, { bytes });
    expect((await readFile(await cache.file(tenant, blob, sha256(bytes)))).equals(bytes)).toBe(true);
    letGo();
  });

  it('keeps what a hold uses, also when it was used in a hold that began earlier and has ended since', async () => {
    const blob = keep(Buffer.alloc(600));
    const letGoFirst = cache.hold();
    await cache.file(tenant, blob);
    const letGoSecond = cache.hold();
    const file = await cache.file(tenant, blob);
    letGoFirst();
    await use(keep(Buffer.alloc(700)));
    expect((await stat(file)).size).toBe(600);
    letGoSecond();
    await use(keep(Buffer.alloc(700)));
    expect(await cached()).not.toContain(blob);
  });

  it('keeps what a hold asks for while another that asked for the same gives up', async () => {
    const blob = keep(Buffer.alloc(600));
    await use(blob);
    const giveUp = cache.hold();
    const unwanted = cache.file(tenant, blob);
    giveUp();
    const letGo = cache.hold();
    const [file] = await Promise.all([cache.file(tenant, blob), unwanted]);
    await use(keep(Buffer.alloc(700)));
    expect((await stat(file)).size).toBe(600);
    letGo();
  });

  it('has nothing to say against somebody who gives up just when a file is looked at', async () => {
    const blob = keep(Buffer.alloc(10));
    const [file = ''] = await use(blob);
    const giveUp = cache.hold();
    const unwanted = cache.file(tenant, blob);
    giveUp();
    expect(await unwanted).toBe(file);
  });

  it('removes at its start what a killed process was fetching', async () => {
    const half = path.join(folder, 'cache', 'fetching', 'half');
    await mkdir(path.dirname(half), { recursive: true });
    await writeFile(half, 'half');
    reopen();
    expect(await filesBelow(path.join(folder, 'cache'))).toEqual([]);
  });

  /** As an earlier process left it. */
  const leave = async (blob: BlobId, bytes: Buffer, agoMs = 1000): Promise<string> => {
    const place = path.join(folder, 'cache', 'fetching', `${tenant}.${blob}`);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, bytes);
    const at = new Date(time.ms - agoMs);
    await utimes(place, at, at);
    return place;
  };
  const useWith = async (blob: BlobId, digest: string | undefined): Promise<Buffer> => {
    const letGo = cache.hold();
    try {
      return await readFile(await cache.file(tenant, blob, digest));
    } finally {
      letGo();
    }
  };

  it.each([
    ['a half', (bytes: Buffer) => bytes.subarray(0, 60), [59]],
    ['all, but not its last step', (bytes: Buffer) => bytes, [99]],
    ['what a crash of the machine damaged', () => Buffer.alloc(60), [59, 0]],
    ['the beginning of something longer', () => Buffer.alloc(160), [0]],
    ['nothing', () => Buffer.alloc(0), [0]],
  ])('goes on with what an earlier process has brought: %s', async (_what, left, expected) => {
    const bytes = randomBytes(100);
    const blob = keep(bytes);
    await leave(blob, left(bytes));
    reopen();
    expect((await useWith(blob, sha256(bytes))).equals(bytes)).toBe(true);
    expect(starts).toEqual(expected);
    expect(await filesBelow(path.join(folder, 'cache', 'fetching'))).toEqual([]);
  });

  it('begins anew where nothing tells whether the earlier bytes are of the same', async () => {
    const bytes = randomBytes(100);
    const blob = keep(bytes);
    await leave(blob, randomBytes(60));
    reopen();
    expect((await useWith(blob, undefined)).equals(bytes)).toBe(true);
    expect(starts).toEqual([0]);
  });

  it('goes on where it was when it was closed', async () => {
    const bytes = randomBytes(100_000);
    const blob = keep(bytes, () => {
      const half = Readable.from([bytes.subarray(0, 50_000), new Promise<never>(() => {})], { objectMode: false });
      return half;
    });
    const bringing = cache.file(tenant, blob, sha256(bytes));
    const place = path.join(folder, 'cache', 'fetching', `${tenant}.${blob}`);
    await expect.poll(async () => (await stat(place).catch(() => null))?.size).toBe(50_000);
    cache.close();
    await expect(bringing).rejects.toThrow();

    remote.set(blob, { bytes });
    reopen(1e9);
    expect((await useWith(blob, sha256(bytes))).equals(bytes)).toBe(true);
    expect(starts).toEqual([0, 49_999]);
  });

  it('never writes into what is linked elsewhere, whatever a killed process left', async () => {
    const bytes = randomBytes(100);
    const blob = keep(bytes);
    const place = await leave(blob, bytes.subarray(0, 60));
    reopen();
    await link(place, path.join(folder, 'staged'));
    expect((await useWith(blob, sha256(bytes))).equals(bytes)).toBe(true);
    expect(starts).toEqual([0]);
    expect((await readFile(path.join(folder, 'staged'))).equals(bytes.subarray(0, 60))).toBe(true);
  });

  it('gives up what an earlier process has brought: after a day, with the blob, and to stay below its budget', async () => {
    const [old, dropped, free] = [keep(randomBytes(500)), keep(randomBytes(500)), keep(randomBytes(500))];
    const places = [await leave(old, randomBytes(100), 25 * 3_600_000), await leave(dropped, randomBytes(100)), await leave(free, randomBytes(400))];
    const there = async (): Promise<boolean[]> =>
      Promise.all(
        places.map((place) =>
          stat(place).then(
            () => true,
            () => false,
          ),
        ),
      );
    reopen();
    expect(await there()).toEqual([false, true, true]);
    await cache.drop(tenant, dropped);
    expect(await there()).toEqual([false, false, true]);
    await use(keep(Buffer.alloc(500)));
    expect(await there(), 'it fits').toEqual([false, false, true]);
    await use(keep(Buffer.alloc(300)));
    expect(await there(), 'not used for longest').toEqual([false, false, false]);
    expect((await cached()).length).toBe(2);
  });

  it('counts what it goes on with once', async () => {
    const bytes = randomBytes(600);
    const [first, second] = [keep(Buffer.alloc(300)), keep(bytes)];
    await leave(second, bytes.subarray(0, 500));
    reopen();
    await use(first);
    expect((await useWith(second, sha256(bytes))).equals(bytes)).toBe(true);
    await use(keep(Buffer.alloc(100)));
    expect((await cached()).length, 'all within the budget of 1000').toBe(3);
  });

  it('ends fetches when it is closed', async () => {
    const blob = keep(Buffer.alloc(100), () => new Readable({ read() {} }));
    const bringing = cache.file(tenant, blob);
    while (fetched.length === 0) await new Promise((resolve) => setImmediate(resolve));
    cache.close();
    await expect(bringing).rejects.toThrow();
    expect(await filesBelow(path.join(folder, 'cache'))).toEqual([]);
  });

  it('forgets a blob with all its copies', async () => {
    const blob = keep(Buffer.alloc(10));
    const [file = ''] = await use(blob);
    await link(file, `${file}.1`);
    await utimes(file, new Date(), new Date());
    await cache.drop(tenant, blob);
    await cache.drop(tenant, blob);
    expect(await cached()).toEqual([]);
  });

  it('answers a full disk clearly, and leaves nothing half', async (context) => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return context.skip('mounting a small disk needs Linux and root');
    const small = path.join(folder, 'cache');
    await mkdir(small, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
    try {
      reopen(1e9);
      await expect(use(keep(Buffer.alloc(2_000_000)))).rejects.toMatchObject({ code: 'disk-full' });
      expect(await filesBelow(small)).toEqual([]);
      await use(keep(Buffer.alloc(500_000)));
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

import type { Clock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { type BlobCache, openBlobCache } from '#kit/object-store/blob-cache.ts';
import { type FileHasher, makeFileHasher } from '#kit/object-store/file-hasher.ts';
import type { BlobId } from '#kit/object-store/object-store.ts';
import { filesBelow, sha256 } from '#kit/object-store/object-store-conformance.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { execFileSync } from 'node:child_process';
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
  const time = { ms: Date.now() };
  const clock: Clock = { now: () => new Date((time.ms += 1000)), sleep: async () => {} };

  const reopen = (budgetBytes = 1000): void => {
    cache = openBlobCache({
      folder: path.join(folder, 'cache'),
      budgetBytes,
      hasher,
      clock,
      fetch: async (_tenant, blob) => {
        const found = remote.get(blob);
        if (!found) throw Object.assign(new Error('no such blob'), { code: 'ENOENT' });
        fetched.push(blob);
        return { length: found.bytes.length, bytes: found.stream?.() ?? Readable.from([found.bytes]) };
      },
    });
  };
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sodate-cache-'));
    hasher = makeFileHasher(new URL('./hash-worker.ts', import.meta.url));
    remote.clear();
    fetched.length = 0;
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

import { makeArchiveNames } from '#kit/archives/archive-names.ts';
import { type ArchiveEntry, type ArchiveSource, writeZip } from '#kit/archives/write-zip.ts';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createWriteStream } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);
const at = new Date('2024-05-06T07:08:10Z');

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-zip-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

const sourceOf = (bytes: Uint8Array, closed?: () => void): ArchiveSource => ({
  size: bytes.length,
  async *read() {
    for (let from = 0; from < bytes.length; from += 100_000) yield bytes.subarray(from, from + 100_000);
  },
  close: async () => closed?.(),
});
const file = (name: string, bytes: Uint8Array | string): ArchiveEntry => ({ name, modifiedAt: at, open: async () => sourceOf(Buffer.from(bytes)) });
const folder = (name: string): ArchiveEntry => ({ name, modifiedAt: at, open: null });
async function* each(entries: readonly ArchiveEntry[]): AsyncGenerator<ArchiveEntry> {
  yield* entries;
}

const whyNoPython = existsSync('/usr/bin/python3') ? null : 'python3 is not installed';
const whyNoUnzip = existsSync('/usr/bin/unzip') ? null : 'unzip is not installed';
const unless = (why: string | null): string => (why === null ? '' : ` (skipped: ${why})`);

/** What the reader of Python's standard library finds: names, sizes, digests, times; every checksum is compared. */
const LOOK = `
import hashlib, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps([[i.filename, i.file_size, hashlib.sha256(archive.read(i)).hexdigest(), list(i.date_time), i.compress_type, i.external_attr >> 16] for i in archive.infolist()]))
`;

const NOISE = randomBytes(3_000_000);
const TEXT = Buffer.from('the same line again\n'.repeat(200_000));

describe('an archive', () => {
  it.skipIf(whyNoPython !== null)(`is read by Python's zipfile${unless(whyNoPython)}`, async () => {
    const place = path.join(await makeFolder(), 'a.zip');
    const contents: Record<string, Uint8Array> = {
      'empty.txt': Buffer.alloc(0),
      'small.txt': Buffer.from('hello'),
      'folder/結果 😀.csv': TEXT,
      'noise.bin': NOISE,
      'folder/model.pt': NOISE,
    };
    const gone: ArchiveEntry = { name: 'gone.txt', modifiedAt: at, open: async () => null };
    const entries = [...Object.entries(contents).map(([name, bytes]) => file(name, bytes)), gone, folder('nothing in it')];
    await pipeline(Readable.from(writeZip(each(entries))), createWriteStream(place));
    const found = JSON.parse((await run('/usr/bin/python3', ['-c', LOOK, place])).stdout) as [string, number, string, number[], number, number][];
    expect(found.map(([name, size]) => [name, size])).toEqual([
      ...Object.entries(contents).map(([name, bytes]) => [name, bytes.length]),
      ['nothing in it/', 0],
    ]);
    for (const [name, , digest, time, , mode] of found) {
      expect(time).toEqual([2024, 5, 6, 7, 8, 10]);
      expect(mode).toBe(name.endsWith('/') ? 0o40755 : 0o100644);
      if (!name.endsWith('/')) expect(digest).toBe(await sha256(contents[name] ?? Buffer.alloc(0)));
    }
    const methods = Object.fromEntries(found.map(([name, , , , method]) => [name, method]));
    expect(methods).toMatchObject({ 'folder/結果 😀.csv': 8, 'folder/model.pt': 0, 'empty.txt': 0 });
    expect((await readFile(place)).length).toBeLessThan(NOISE.length * 2 + 200_000);
  });

  it.skipIf(whyNoUnzip !== null)(`is unpacked by unzip${unless(whyNoUnzip)}`, async () => {
    const place = await makeFolder();
    await pipeline(Readable.from(writeZip(each([folder('sub'), file('sub/b.txt', TEXT), file('a', 'A')]))), createWriteStream(path.join(place, 'a.zip')));
    await run('unzip', ['-q', 'a.zip', '-d', 'out'], { cwd: place });
    expect(await readFile(path.join(place, 'out/a'), 'utf8')).toBe('A');
    expect((await readFile(path.join(place, 'out/sub/b.txt'))).equals(TEXT)).toBe(true);
  });

  it.skipIf(whyNoPython !== null)(`of more than 65,535 files is read by Python's zipfile${unless(whyNoPython)}`, { timeout: 60_000 }, async () => {
    const place = path.join(await makeFolder(), 'many.zip');
    async function* many(): AsyncGenerator<ArchiveEntry> {
      for (let number = 0; number < 70_000; number += 1) yield file(`folder/${number}`, String(number));
    }
    await pipeline(Readable.from(writeZip(many())), createWriteStream(place));
    const look = 'import sys, zipfile; a = zipfile.ZipFile(sys.argv[1]); print(len(a.namelist()), a.read("folder/69999").decode())';
    expect((await run('/usr/bin/python3', ['-c', look, place])).stdout).toBe('70000 69999\n');
  });

  it.skipIf(whyNoPython !== null)(
    `with a file of more than 4 GiB, and one behind it, is read by Python's zipfile${unless(whyNoPython)}`,
    { timeout: 60_000 },
    async () => {
      const place = await makeFolder();
      const size = 2 ** 32 + 12_345;
      const holes = Buffer.alloc(4 * 1024 * 1024);
      const large: ArchiveEntry = {
        name: 'large.pt',
        modifiedAt: at,
        open: async () => ({
          size,
          async *read() {
            for (let from = 0; from < size; from += holes.length) yield holes.subarray(0, Math.min(holes.length, size - from));
          },
          close: async () => {},
        }),
      };
      // Only what is not the file's zeros is written: the archive on the disk is as sparse as the file is.
      const archive = await open(path.join(place, 'large.zip'), 'w');
      let bytes = 0;
      for await (const chunk of writeZip(each([large, file('behind.txt', 'found')]))) {
        if (chunk.length < 1_000_000) await archive.write(chunk, 0, chunk.length, bytes);
        bytes += chunk.length;
      }
      await archive.close();
      expect(bytes).toBeGreaterThan(size);
      const look =
        'import json, sys, zipfile; a = zipfile.ZipFile(sys.argv[1]); print(json.dumps([[i.filename, i.file_size, i.compress_size, i.header_offset] for i in a.infolist()])); print(a.read("behind.txt").decode())';
      const [listed = '', behind] = (await run('/usr/bin/python3', ['-c', look, path.join(place, 'large.zip')])).stdout.trim().split('\n');
      expect(JSON.parse(listed)).toEqual([
        ['large.pt', size, size, 0],
        ['behind.txt', 5, 5, expect.any(Number)],
      ]);
      expect(behind).toBe('found');
    },
  );

  it('takes no more of a file than it had when its turn came', async () => {
    const place = path.join(await makeFolder(), 'log');
    await writeFile(place, 'x'.repeat(1000));
    const handle = await open(place);
    await truncate(place, 10);
    const shrunk: ArchiveEntry = {
      name: 'log.gz',
      modifiedAt: at,
      open: async () => ({ size: 1000, read: () => handle.createReadStream({ end: 999, autoClose: false }), close: () => handle.close() }),
    };
    const chunks: Uint8Array[] = [];
    for await (const chunk of writeZip(each([shrunk]))) chunks.push(chunk);
    expect(Buffer.concat(chunks).includes('x'.repeat(10))).toBe(true);
    expect(Buffer.concat(chunks).includes('x'.repeat(11))).toBe(false);
  });

  it('closes what it has open when nobody reads any more', async () => {
    const closed: string[] = [];
    const ended: string[] = [];
    async function* entries(): AsyncGenerator<ArchiveEntry> {
      try {
        for (const name of ['a.pt', 'b.pt']) yield { name, modifiedAt: at, open: async () => sourceOf(NOISE, () => closed.push(name)) };
      } finally {
        ended.push('entries');
      }
    }
    for await (const chunk of writeZip(entries())) if (chunk.length > 1000) break;
    expect([closed, ended]).toEqual([['a.pt'], ['entries']]);
  });
});

async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(bytes))).toString('hex');
}

describe('names in an archive', () => {
  const check = (paths: readonly string[]): string[] => {
    const names = makeArchiveNames();
    return paths.map((each) => (each.endsWith('/') ? `${names.folder(each.slice(0, -1))}/` : names.file(each)));
  };

  it('lead nowhere else, whatever a file was called', () => {
    expect(check(['..\\..\\x', 'C:\\windows', '..', '../..', '/etc/passwd', 'a\nb', '\uefff.bin', 'a\u202egpj.exe', 'C:', 'plain/name.txt'])).toEqual([
      '.._.._x',
      'C__windows',
      '__',
      '__/__',
      '_/etc/passwd',
      'a_b',
      '%FF.bin',
      'a_gpj.exe',
      'C_',
      'plain/name.txt',
    ]);
  });

  it('are each there once', () => {
    expect(check(['a_b.txt', 'a\\b.txt', 'a\nb.txt', 'a\tb', 'a\nb', '.x\n', '.x_'])).toEqual([
      'a_b.txt',
      'a_b (2).txt',
      'a_b (3).txt',
      'a_b',
      'a_b (2)',
      '.x_',
      '.x_ (2)',
    ]);
  });

  it('are neither a file nor a folder of another name', () => {
    expect(check(['a_', 'a\n/', 'a\n/file', 'a\n/sub/', 'a\n/sub/x', 'a\t/', 'a\t/file'])).toEqual([
      'a_',
      'a_ (2)/',
      'a_ (2)/file',
      'a_ (2)/sub/',
      'a_ (2)/sub/x',
      'a_ (3)/',
      'a_ (3)/file',
    ]);
  });
});

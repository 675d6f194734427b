import { type ForeignFolders, makeForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import { openInside } from '#kit/foreign-folders/open-inside.ts';
import { systemClock } from '#kit/clock.ts';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

const folders = makeForeignFolders({ clock: systemClock });
afterAll(() => folders.close());

const place = { root: '' };
beforeEach(() => {
  place.root = mkdtempSync(path.join(tmpdir(), 'sodate-folders-'));
});
afterEach(() => rmSync(place.root, { recursive: true }));

const write = (name: string | Buffer, content = 'x'): void => {
  const file = Buffer.concat([Buffer.from(`${place.root}/`), Buffer.from(name)]);
  const folder = file.subarray(0, file.lastIndexOf('/'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, content);
};

async function allPages(limit: number, inFolder = ''): Promise<string[]> {
  const names: string[] = [];
  for (let after: string | null = null; ;) {
    const page: Awaited<ReturnType<ForeignFolders['list']>> = await folders.list(place.root, inFolder, { after, limit });
    if (page === null) throw new Error('no such folder');
    names.push(...page.entries.map(({ name }) => name));
    if (page.after === null) return names;
    after = page.after;
  }
}

async function walkAll(limit: number, look = 1_000_000, inFolder = '', text?: string): Promise<string[]> {
  const names: string[] = [];
  for (let after: string | null = null; ;) {
    const page: Awaited<ReturnType<ForeignFolders['walk']>> = await folders.walk(place.root, inFolder, { after, limit, look, ...(text ? { text } : {}) });
    if (page === null) throw new Error('no such folder');
    names.push(...page.entries.map(({ name }) => name));
    if (page.after === null) return names;
    after = page.after;
  }
}

describe('one level', () => {
  it('goes by pages in the order of bytes, each entry once', async () => {
    const names = ['b', 'a', 'B', 'é', '結果', '-rf', 'a.b', 'a b', 'line\nbreak', '.hidden', 'a\\b'];
    for (const name of names) write(name);
    const sorted = names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    for (const limit of [1, 2, 3, 100]) expect(await allPages(limit)).toEqual(sorted);
  });

  it('continues where it was although names came and went', async () => {
    for (const name of ['a', 'c', 'e']) write(name);
    const first = await folders.list(place.root, '', { after: null, limit: 2 });
    expect(first).toMatchObject({ after: 'c', total: { count: 3, exact: true } });
    rmSync(path.join(place.root, 'c'));
    for (const name of ['b', 'd']) write(name);
    await expect.poll(async () => (await folders.list(place.root, '', { after: 'c', limit: 10 }))?.entries.map(({ name }) => name)).toEqual(['d', 'e']);
  });

  it('shows names that are not UTF-8, and each of them can be opened', async () => {
    write(Buffer.from([0x93, 0xfa, 0x2e, 0x74]), 'Shift_JIS');
    write(Buffer.from([0x61, 0xff]), 'a byte');
    write('\uef93', 'its escape');
    write('\ufffd', 'the replacement');
    const contents: string[] = [];
    for (const name of await allPages(1)) {
      const opened = await openInside(place.root, name);
      contents.push(opened === null ? '(nothing)' : await opened.file.readFile('utf8'));
      await opened?.file.close();
    }
    expect(contents.toSorted()).toEqual(['Shift_JIS', 'a byte', 'its escape', 'the replacement']);
  });

  it('shows links and never follows them', async () => {
    write('real/file');
    symlinkSync('real', path.join(place.root, 'link'));
    symlinkSync('/etc', path.join(place.root, 'out'));
    symlinkSync('/etc', path.join(place.root, 'real', 'out'));
    expect((await folders.list(place.root, '', { after: null, limit: 9 }))?.entries.map(({ name, kind }) => [name, kind])).toEqual([
      ['link', 'other'],
      ['out', 'other'],
      ['real', 'folder'],
    ]);
    for (const name of ['link', 'out', 'real/out', 'real/file', 'nothing', 'out/ssh']) {
      expect(await folders.list(place.root, name, { after: null, limit: 9 })).toBeNull();
      expect(await folders.walk(place.root, name, { after: null, limit: 9, look: 9 })).toBeNull();
    }
    expect(await openInside(place.root, 'out/passwd')).toBeNull();
    expect(await walkAll(10)).toEqual(['link', 'out', 'real', 'real/file', 'real/out']);
  });

  it('is read again when it has changed', async () => {
    write('a');
    const longAgo = new Date('2020-01-01');
    utimesSync(place.root, longAgo, longAgo);
    expect(await allPages(10)).toEqual(['a']);
    write('b');
    await expect.poll(() => allPages(10)).toEqual(['a', 'b']);
  });
});

describe('a tree', () => {
  it('is walked whole in pieces of any size, folders first', async () => {
    for (const name of ['b/2', 'b/1', 'b/c/d/e', 'a', 'z/1', 'b.txt', 'b-']) write(name);
    mkdirSync(path.join(place.root, 'empty'));
    const whole = ['a', 'b', 'b/1', 'b/2', 'b/c', 'b/c/d', 'b/c/d/e', 'b-', 'b.txt', 'empty', 'z', 'z/1'];
    for (const limit of [1, 2, 5, 100]) expect(await walkAll(limit)).toEqual(whole);
    for (const look of [1, 3]) expect(await walkAll(100, look)).toEqual(whole);
    expect(await walkAll(3, 100, 'b')).toEqual(['b/1', 'b/2', 'b/c', 'b/c/d', 'b/c/d/e']);
    expect(await folders.count(place.root, '', 100)).toBe(whole.length);
    expect(await folders.count(place.root, '', 3)).toBe(4);
    expect(await folders.count(place.root, 'nothing', 3)).toBeNull();
  });

  it('is searched by a part of the name, in whatever case', async () => {
    for (const name of ['Best/model.PT', 'best.pt', 'other/notes.txt', '結果.csv']) write(name);
    expect(await walkAll(1, 2, '', 'BEST')).toEqual(['Best', 'best.pt']);
    expect(await walkAll(10, 100, '', '.pt')).toEqual(['Best/model.PT', 'best.pt']);
    expect(await walkAll(10, 100, 'other', '結')).toEqual([]);
    expect(await walkAll(10, 100, '', '結')).toEqual(['結果.csv']);
  });

  it('goes on after an entry that has gone meanwhile', async () => {
    for (const name of ['a/1', 'b/1', 'c']) write(name);
    rmSync(path.join(place.root, 'b'), { recursive: true });
    expect(await folders.walk(place.root, '', { after: 'b/1', limit: 9, look: 9 })).toMatchObject({ entries: [{ name: 'c' }] });
  });
});

it('tells the kind, the size and the time of each', async () => {
  write('file', '12345');
  mkdirSync(path.join(place.root, 'folder'));
  const at = new Date('2024-05-06T07:08:09Z');
  utimesSync(path.join(place.root, 'file'), at, at);
  expect((await folders.list(place.root, '', { after: null, limit: 9 }))?.entries).toEqual([
    { name: 'file', kind: 'file', size: 5, modifiedAt: at },
    { name: 'folder', kind: 'folder', size: null, modifiedAt: expect.any(Date) },
  ]);
});

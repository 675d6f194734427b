import { mkdtemp, mkdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { filesOnDisk } from './files-on-disk.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sodate-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a folder becomes its files, relative, in order, without links', async () => {
  await mkdir(join(folder, 'b/c'), { recursive: true });
  await writeFile(join(folder, 'b/c/2.txt'), 'two');
  await writeFile(join(folder, 'b/1.txt'), '');
  await writeFile(join(folder, '写真.png'), 'x');
  await symlink('/etc', join(folder, 'a-link'));
  await symlink('/etc/passwd', join(folder, 'b/link'));
  const { files, skipped } = await filesOnDisk(folder);
  expect(files.map((file) => [file.name, file.size])).toEqual([
    ['b/1.txt', 0],
    ['b/c/2.txt', 3],
    ['写真.png', 1],
  ]);
  expect(skipped).toEqual([join(folder, 'a-link'), join(folder, 'b/link')]);
});

test('a file is read by ranges, and one that shrinks meanwhile is an error', async () => {
  const path = join(folder, 'one.bin');
  await writeFile(path, '0123456789');
  const [file] = (await filesOnDisk(path)).files;
  expect(file?.name).toBe('one.bin');
  expect(Buffer.from((await file?.read(3, 7)) as Uint8Array).toString()).toBe('3456');
  await truncate(path, 5);
  await expect(file?.read(3, 7)).rejects.toThrow('changed while it was uploaded');
});

test('a file that was written to meanwhile gives no part of another version', async () => {
  const path = join(folder, 'written.bin');
  await writeFile(path, '0123456789');
  const [file] = (await filesOnDisk(path)).files;
  await writeFile(path, 'abcdefghij');
  await utimes(path, new Date(0), new Date(0));
  await expect(file?.read(0, 4)).rejects.toThrow('changed while it was uploaded');
});

test('a path that is not there says so', async () => {
  await expect(filesOnDisk(join(folder, 'nothing'))).rejects.toThrow('ENOENT');
});

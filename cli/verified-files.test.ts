import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, lstat, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findThere } from './save-file.ts';
import { sha256 } from './testing/bundles.ts';
import { openVerifiedFiles, type VerifiedFiles } from './verified-files.ts';

/** To the nanosecond, which Node's `utimes` does not know. */
const giveTime = async (from: string, to: string): Promise<void> => void (await promisify(execFile)('touch', ['-r', from, to]));

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const why = existsSync(BOOT_ID) ? null : 'this system does not say when it was started';

describe.skipIf(why !== null)(`what was seen of files${why === null ? '' : ` (skipped: ${why})`}`, () => {
  let home: string;
  let folder: string;
  let lists: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'sodate-verified-'));
    folder = join(home, 'out');
    lists = join(home, 'cache/sodate/downloads');
  });
  afterEach(() => rm(home, { recursive: true }));

  const openList = (bootIdFile?: string): Promise<VerifiedFiles> => openVerifiedFiles({ XDG_CACHE_HOME: join(home, 'cache') }, folder, bootIdFile);
  const stateOf = (path: string) => lstat(path, { bigint: true });
  const place = (name: string): string => join(folder, name);
  const digest = sha256(Buffer.from('content'));
  /** A file that was seen with this content, by a command that has ended before it was done. */
  const seenFile = async (name: string): Promise<string> => {
    const verified = await openList();
    await writeFile(place(name), 'content');
    await verified.note(place(name), digest, await stateOf(place(name)));
    await verified.flush();
    return place(name);
  };
  const knows = async (path: string, of = digest): Promise<boolean> => (await openList()).has(of, await stateOf(path));
  const listFile = async (): Promise<string> => join(lists, (await readdir(lists))[0] ?? '');

  test('is known to the next command, of this content only, and saves its reading', async () => {
    const path = await seenFile('a');
    expect(await knows(path)).toBe(true);
    expect(await knows(path, sha256(Buffer.from('other')))).toBe(false);
    // Not read: what was noted of it is believed, although it is wrong here.
    const wrong = sha256(Buffer.from('what it does not hold'));
    expect(await findThere(path, wrong, await openList())).toBeNull();
    const verified = await openList();
    await verified.note(path, wrong, await stateOf(path));
    await verified.flush();
    expect(await findThere(path, wrong, await openList())).toEqual({ how: 'there', size: 7 });
    expect((await stat(await listFile())).mode & 0o777).toBe(0o600);
  });

  test('of a file that was read is noted too', async () => {
    await mkdir(folder);
    await writeFile(place('a'), 'content');
    const verified = await openList();
    expect(await findThere(place('a'), digest, verified)).toEqual({ how: 'there', size: 7 });
    await verified.flush();
    expect(await knows(place('a'))).toBe(true);
  });

  test('counts for nothing when the file has been written to, replaced, cut or touched, though it looks the same', async () => {
    const changes: Record<string, (path: string) => Promise<void>> = {
      'written to': async (path) => {
        await writeFile(`${path}.time`, '');
        await giveTime(path, `${path}.time`);
        const handle = await open(path, 'r+');
        await handle.write('CONTENT', 0);
        await handle.close();
        await giveTime(`${path}.time`, path);
      },
      replaced: async (path) => {
        await writeFile(`${path}.new`, 'CONTENT');
        await giveTime(path, `${path}.new`);
        await rename(`${path}.new`, path);
      },
      cut: (path) => truncate(path, 3),
      touched: (path) => utimes(path, new Date(0), new Date(0)),
    };
    for (const [how, change] of Object.entries(changes)) {
      const path = await seenFile(how);
      const before = await stateOf(path);
      // The clock of a file system goes by ticks; a change in the same one is what the comment there says of.
      await expect
        .poll(async () => {
          await writeFile(join(home, 'clock'), '');
          return (await stateOf(join(home, 'clock'))).mtimeNs > before.ctimeNs;
        })
        .toBe(true);
      await change(path);
      const { mtimeNs, size } = await stateOf(path);
      expect(mtimeNs === before.mtimeNs && size === before.size, how).toBe(how === 'written to' || how === 'replaced');
      expect(await knows(path), how).toBe(false);
      expect(await findThere(path, digest, await openList()), how).toEqual(how === 'touched' ? { how: 'there', size: 7 } : null);
    }
  });

  test('is not noted when the file changed while it was looked at, or has a time of whole seconds', async () => {
    await mkdir(folder);
    const verified = await openList();
    await writeFile(place('a'), 'content');
    const before = await stateOf(place('a'));
    await appendFile(place('a'), 'more');
    await verified.note(place('a'), digest, before);
    await writeFile(place('b'), 'content');
    await utimes(place('b'), 1_000, 1_000);
    await verified.note(place('b'), digest, await stateOf(place('b')));
    await verified.note(place('gone'), digest, before);
    await verified.flush();
    expect(existsSync(lists)).toBe(false);
  });

  test('is forgotten at the end, and with another start of the machine', async () => {
    const path = await seenFile('a');
    const restarted = join(home, 'boot_id');
    await writeFile(restarted, 'another start\n');
    const state = await stateOf(path);
    expect((await openList(restarted)).has(digest, state)).toBe(false);
    const without = await openList(join(home, 'nothing'));
    await without.note(path, digest, state);
    await without.flush();
    expect(without.has(digest, state)).toBe(false);
    expect(await knows(path)).toBe(true);
    await (await openList()).forget();
    expect(await knows(path)).toBe(false);
    expect(await readdir(lists)).toEqual([]);
  });

  test('outlives a line that was cut off, and what is no line', async () => {
    const first = await seenFile('a');
    const list = await listFile();
    await appendFile(list, '0123456789abc');
    const second = await seenFile('b');
    await appendFile(list, '\u0000\u0001 not a line\n\n'.repeat(1_000));
    const third = await seenFile('c');
    for (const path of [first, second, third]) expect(await knows(path), path).toBe(true);
    await truncate(list, (await stat(list)).size - 3);
    expect([await knows(first), await knows(third)]).toEqual([true, false]);
    // No list of ours has as much as this.
    await truncate(list, 70_000_000);
    expect(await knows(first)).toBe(false);
    expect(await knows(await seenFile('a'))).toBe(true);
  });

  test('is written by two downloads into the same folder, one of which ends', async () => {
    await mkdir(folder);
    const [one, other] = [await openList(), await openList()];
    for (let at = 0; at < 500; at += 1) {
      await writeFile(place(String(at)), 'content');
      await (at % 2 === 0 ? one : other).note(place(String(at)), digest, await stateOf(place(String(at))));
    }
    await Promise.all([one.flush(), other.flush()]);
    const both = await openList();
    for (let at = 0; at < 500; at += 1) expect(both.has(digest, await stateOf(place(String(at))))).toBe(true);
    await one.forget();
    await writeFile(place('late'), 'content');
    await other.note(place('late'), digest, await stateOf(place('late')));
    await other.flush();
    expect([await knows(place('late')), await knows(place('0'))]).toEqual([true, false]);
  });

  test('goes nowhere but into the cache: where that is taken or a link, everything is read', async () => {
    const path = await seenFile('a');
    const list = await listFile();
    const elsewhere = join(home, 'elsewhere');
    await writeFile(elsewhere, await readFile(list));
    for (const put of [() => symlink(elsewhere, list), () => mkdir(list)]) {
      await rm(list, { recursive: true });
      await put();
      expect(await knows(path)).toBe(false);
      const verified = await openList();
      await verified.note(path, digest, await stateOf(path));
      await verified.flush();
    }
    expect((await readFile(elsewhere, 'latin1')).trim()).toMatch(/^[0-9a-f]{32}$/);
    await rm(join(home, 'cache'), { recursive: true });
    await writeFile(join(home, 'cache'), 'no folder');
    expect(await seenFile('a').then(knows)).toBe(false);
  });

  test('of downloads that nobody went on with is removed, the oldest first', async () => {
    await mkdir(lists, { recursive: true });
    for (let at = 0; at < 60; at += 1) {
      await writeFile(join(lists, String(at).padStart(64, '0')), '');
      await utimes(join(lists, String(at).padStart(64, '0')), at, at);
    }
    await seenFile('a');
    const left = (await readdir(lists)).toSorted();
    expect(left).toHaveLength(50);
    expect(left.filter((name) => name.startsWith('0'.repeat(60))).map(Number)).toEqual(Array.from({ length: 49 }, (_nothing, at) => at + 11));
    expect(await knows(place('a'))).toBe(true);
  });
});

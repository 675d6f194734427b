import { makeTenantThings, type TenantThings, type Thing } from '#api-tests/tenant-things.ts';
import { useTestPlatform } from '#api-tests/test-platform.ts';
import { readOutputFiles } from '#runs/read-outputs.ts';
import { makeClient } from '@sodate/client/make-client.ts';
import { readOutputsOf } from '@sodate/client/read-files.ts';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const MIB = 1024 * 1024;

async function write(folder: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
    await mkdir(file.subarray(0, file.lastIndexOf('/')), { recursive: true });
    await writeFile(file, content);
  }
}

describe('many output files by one request', () => {
  const opened = useTestPlatform();
  const held: { things?: TenantThings } = {};
  beforeAll(() => {
    held.things = makeTenantThings(opened(), 'alpha', opened().member.secret);
  });
  const task = async (files: Readonly<Record<string, string | Buffer>>): Promise<Thing> => {
    const run = await (held.things as TenantThings).endedTask();
    await write(outputOf(run), files);
    return run;
  };
  const outputOf = ({ id }: Thing): string => path.join(opened().home.folder, 'runs', id, 'output');
  const signal = new AbortController().signal;
  const client = (secret = opened().viewer.secret) =>
    makeClient({ server: opened().url, token: secret, backoff: { retries: 0, firstDelayMs: 1, longestDelayMs: 1 } });
  const read = async (run: Thing, paths: readonly string[], asked: { readonly tenant?: string; readonly secret?: string } = {}) => {
    const got: Record<string, Buffer> = {};
    for await (const { path: name, digest, bytes } of readOutputsOf(client(asked.secret), { tenant: asked.tenant ?? 'alpha', run: run.id, paths, signal })) {
      expect(digest).toBe(sha256(bytes));
      got[name] = Buffer.from(bytes);
    }
    return got;
  };

  it('come in the order asked for, whatever their names, each once', async () => {
    const contents = { 'models/a.bin': randomBytes(100_000), empty: Buffer.alloc(0), 'caf\xe9': Buffer.from('x'), last: randomBytes(MIB) };
    const run = await task(contents);
    const got = await read(run, ['last', 'empty', 'caf\uefe9', 'models/a.bin', 'last']);
    expect(Object.keys(got)).toEqual(['last', 'empty', 'caf\uefe9', 'models/a.bin']);
    for (const [name, bytes] of Object.entries(contents)) expect(got[name.replace('\xe9', '\uefe9')]?.equals(bytes), name).toBe(true);
  });

  it('are those of this run and tenant alone, and no links, pipes or folders; what is not there is left out', async () => {
    const run = await task({ a: 'a', 'folder/b': 'b', large: '' });
    const folder = outputOf(run);
    await truncate(path.join(folder, 'large'), MIB + 1);
    await symlink(path.join(opened().home.folder, 'key'), path.join(folder, 'key'));
    await symlink('/etc', path.join(folder, 'out'));
    await symlink('folder', path.join(folder, 'other'));
    await promisify(execFile)('mkfifo', [path.join(folder, 'pipe')]);
    const all = ['key', 'out/hostname', 'pipe', 'folder', '', 'nothing', 'large', 'a', 'x'.repeat(4_096)];
    expect(await read(run, all)).toEqual({ a: Buffer.from('a') });
    await expect(read(run, ['nothing', 'key'])).rejects.toMatchObject({ code: 'not-found' });
    await expect(read(run, ['a'], { tenant: 'beta', secret: opened().foreigner.secret })).rejects.toMatchObject({ code: 'not-found' });
    await expect(read(run, ['a'], { secret: opened().foreigner.secret })).rejects.toThrow();
    for (const bad of ['../key', '/etc/hostname', 'a/../a', 'a\0', './a', 'a/'])
      await expect(read(run, ['a', bad])).rejects.toMatchObject({ code: 'invalid-request' });
    for (const paths of [[], Array.from({ length: 1_001 }, () => 'a')]) await expect(read(run, paths)).rejects.toMatchObject({ code: 'invalid-request' });
    expect(await read(await (held.things as TenantThings).endedTask(), ['a']).catch(({ code }) => code)).toBe('not-found');
  });

  it('end where a bundle is full, and are given up when the reader goes', async () => {
    const names = Array.from({ length: 34 }, (_nothing, at) => `f${String(at).padStart(2, '0')}`);
    const run = await task(Object.fromEntries(names.map((name) => [name, randomBytes(MIB)])));
    expect(Object.keys(await read(run, names))).toEqual(names.slice(0, 32));
    for await (const { bytes } of readOutputsOf(client(), { tenant: 'alpha', run: run.id, paths: names, signal })) {
      expect(bytes.length).toBe(MIB);
      break;
    }
    const openFiles = async (): Promise<number> => {
      const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
      return links.filter((link) => link.startsWith(outputOf(run))).length;
    };
    await expect.poll(openFiles, { timeout: 20_000 }).toBe(0);
    expect(opened().errorsLogged).toEqual([]);
  });

  it('can be found all by one list, folders before what is in them', async () => {
    const run = await task({ 'b/c/d': 'd', a: 'a', 'b/a': 'a' });
    const list = async (rest: string) => (await opened().must(opened().viewer.secret, 'GET', `/v1/tenants/alpha/runs/${run.id}/outputs/search${rest}`)).body;
    const names = ({ items }: { items: { kind: string; name: string }[] }): string[] => items.map(({ kind, name }) => `${kind} ${name}`);
    expect(names(await list(''))).toEqual(['file a', 'folder b', 'file b/a', 'folder b/c', 'file b/c/d']);
    expect(names(await list('?path=b/c'))).toEqual(['file b/c/d']);
    const first = await list('?limit=3');
    expect(names(await list(`?cursor=${first.nextCursor}`))).toEqual(['folder b/c', 'file b/c/d']);
  });
});

describe('files that are written while they are read', () => {
  /** The bytes of one file, and what its head says. */
  const split = (piece: Buffer) => {
    const length = piece.readUInt32BE();
    return { ...JSON.parse(piece.toString('utf8', 4, 4 + length)).files[0], bytes: piece.subarray(4 + length) };
  };

  it('are told as they are when their turn comes', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sodate-outputs-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    // More than are read ahead, so that those at the end have not been looked at when the first one has come.
    const before = Array.from({ length: 8 }, (_nothing, at) => `before ${at}`);
    await write(folder, Object.fromEntries([...before, 'grows', 'is cut', 'goes', 'swells', 'stays'].map((name) => [name, 'as it was'])));
    const pieces = readOutputFiles(folder, [...before, 'grows', 'is cut', 'goes', 'swells', 'stays', 'comes']);
    expect(split((await pieces.next()).value as Buffer)).toMatchObject({ path: 'before 0', size: 9 });
    await appendFile(path.join(folder, 'grows'), ' and more');
    await truncate(path.join(folder, 'is cut'), 2);
    await rm(path.join(folder, 'goes'));
    await truncate(path.join(folder, 'swells'), MIB + 1);
    await writeFile(path.join(folder, 'comes'), 'new');
    const rest: Record<string, string> = {};
    for await (const piece of pieces) {
      const { path: name, size, digest, bytes } = split(piece);
      expect([size, digest]).toEqual([bytes.length, sha256(bytes)]);
      if (!before.includes(name)) rest[name] = bytes.toString();
    }
    expect(rest).toEqual({ grows: 'as it was and more', 'is cut': 'as', stays: 'as it was', comes: 'new' });
  });
});

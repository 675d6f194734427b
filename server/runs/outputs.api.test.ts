import { makeTenantThings, type TenantThings, type Thing } from '#api-tests/tenant-things.ts';
import { useTestPlatform } from '#api-tests/test-platform.ts';
import type { Answer } from '#api-tests/exchange.ts';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);
const opened = useTestPlatform();
const held: { things?: TenantThings } = {};
const things = (): TenantThings => held.things as TenantThings;
beforeAll(() => {
  held.things = makeTenantThings(opened(), 'alpha', opened().member.secret);
});

const outputOf = (thing: Thing): string => path.join(opened().home.folder, 'runs', thing.id, 'output');
const ask = (thing: Thing, rest: string): Promise<Answer> => opened().ask(opened().viewer.secret, 'GET', `/v1/tenants/alpha/runs/${thing.id}/outputs${rest}`);
const must = async (thing: Thing, rest: string) => {
  const answer = await ask(thing, rest);
  expect([answer.status, answer.text.slice(0, 300)]).toEqual([200, expect.anything()]);
  return answer.body;
};

async function write(thing: Thing, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = Buffer.concat([Buffer.from(`${outputOf(thing)}/`), Buffer.from(name, 'latin1')]);
    await mkdir(file.subarray(0, file.lastIndexOf('/')), { recursive: true });
    await writeFile(file, content);
  }
}

/** The bytes of an archive, and what unpacks it. */
async function fetchArchive(address: string): Promise<{ readonly response: Response; readonly file: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sodate-archive-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const response = await fetch(`${opened().url}${address}`, { headers: { authorization: `Bearer ${opened().viewer.secret}` } });
  const file = path.join(folder, 'archive.zip');
  await writeFile(file, Buffer.from(await response.arrayBuffer()));
  return { response, file };
}

const whyNoPython = existsSync('/usr/bin/python3') ? null : 'python3 is not installed';
const unless = (why: string | null): string => (why === null ? '' : ` (skipped: ${why})`);
const READ =
  'import json, sys, zipfile; a = zipfile.ZipFile(sys.argv[1]); assert a.testzip() is None; print(json.dumps({n: a.read(n).decode("latin1")[:60] for n in a.namelist()}))';
const contentsOf = async (file: string): Promise<Record<string, string>> => JSON.parse((await run('/usr/bin/python3', ['-c', READ, file])).stdout);

describe('the output folder', () => {
  it('is shown page by page, and every name that is shown can be fetched', async () => {
    const task = await things().endedTask();
    const names = ['b', 'a', 'caf\xe9', '\x93\xfa', 'with space', Buffer.from('結果').toString('latin1')];
    await write(task, Object.fromEntries(names.map((name) => [name, `content of ${name}`])));
    const contents: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await must(task, `?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      expect(page.total).toEqual({ count: names.length, exact: true });
      expect(page.items).toHaveLength(2);
      for (const { name } of page.items) contents.push((await ask(task, `/content?path=${encodeURIComponent(name)}`)).text);
      cursor = page.nextCursor;
    }
    expect(contents.toSorted()).toEqual(names.map((name) => `content of ${name}`).toSorted());
  });

  it('has digests, and sizes of folders, when its manifest is written', async () => {
    const task = await things().endedTask();
    await write(task, { 'models/a.bin': '12345', 'models/deep/b.bin': '123', models0: 'beside', 'caf\xe9': 'x', empty: '' });
    await mkdir(path.join(outputOf(task), 'nothing'));
    // Nobody reads four tebibytes of nothing.
    await writeFile(path.join(outputOf(task), 'hole'), '');
    await truncate(path.join(outputOf(task), 'hole'), 2 ** 42);
    const { db } = opened().database;
    // The run had ended, and been marked, before the test wrote into its folder.
    await db.updateTable('runs').set({ manifest_at: null }).where('id', '=', task.id).execute();
    await expect
      .poll(async () => (await db.selectFrom('runs').select('manifest_at').where('id', '=', task.id).executeTakeFirstOrThrow()).manifest_at, {
        timeout: 30_000,
      })
      .not.toBeNull();
    const { items } = await must(task, '');
    expect(
      Object.fromEntries(items.map((item: { name: string; below: unknown; digest: string | null }) => [item.name, item.below ?? item.digest?.slice(0, 15)])),
    ).toEqual({
      models: { files: 2, size: 8, exact: true },
      nothing: { files: 0, size: 0, exact: true },
      models0: expect.stringMatching(/^sha256:/),
      'caf\uefe9': 'sha256:2d711642',
      empty: 'sha256:e3b0c442',
      hole: undefined,
    });
    const rows = await db.selectFrom('run_output_files').select('path').where('run_id', '=', task.id).orderBy('path').execute();
    expect(rows.map((row) => row.path)).toEqual(['caf\uefe9', 'empty', 'models/a.bin', 'models/deep/b.bin', 'models0']);
  });

  it('is searched by names, below a folder or whole', async () => {
    const task = await things().endedTask();
    await write(task, { 'best.pt': '', 'epochs/1/Best.pt': '', 'epochs/2/last.pt': '' });
    const names = async (rest: string): Promise<string[]> => (await must(task, `/search?${rest}`)).items.map(({ name }: { name: string }) => name);
    expect(await names('text=best')).toEqual(['best.pt', 'epochs/1/Best.pt']);
    expect(await names('text=best&path=epochs')).toEqual(['epochs/1/Best.pt']);
    const first = await must(task, '/search?text=pt&limit=1');
    expect(await names(`text=pt&limit=9&cursor=${first.nextCursor}`)).toEqual(['epochs/1/Best.pt', 'epochs/2/last.pt']);
    expect((await ask(task, '/search?text=pt&path=nothing')).status).toBe(404);
    expect((await ask(task, `/search?text=pt&path=epochs&cursor=${first.nextCursor}`)).body.code).toBe('invalid-cursor');
    for (const cursor of ['x', Buffer.from('../key').toString('base64url'), Buffer.from('a\0').toString('base64url'), '']) {
      for (const rest of [`?cursor=${cursor}`, `/search?text=a&cursor=${cursor}`]) expect((await ask(task, rest)).body.code).toBe('invalid-cursor');
    }
  });
});

describe('an archive of the output', () => {
  it.skipIf(whyNoPython !== null)(`holds what is there and nothing from elsewhere${unless(whyNoPython)}`, async () => {
    const task = await things().endedTask();
    await write(task, { 'a.txt': 'A', 'models/m.bin': 'M', 'models/..\\..\\up': 'U', 'line\nbreak': 'L', line_break: 'B', 'caf\xe9': 'C' });
    await mkdir(path.join(outputOf(task), 'empty'));
    for (const [name, target] of [
      ['key', path.join(opened().home.folder, 'key')],
      ['out', '/etc'],
      ['models/in', 'm.bin'],
    ] as const)
      await symlink(target, path.join(outputOf(task), name));
    const whole = await fetchArchive(`/v1/tenants/alpha/runs/${task.id}/outputs/archive`);
    expect(Object.fromEntries(whole.response.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': `attachment; filename="task-${task.number}.zip"; filename*=UTF-8''task-${task.number}.zip`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/^sandbox/),
    });
    expect(await contentsOf(whole.file)).toEqual({
      'a.txt': 'A',
      'models/': '',
      'models/m.bin': 'M',
      'models/.._.._up': 'U',
      line_break: 'L',
      'line_break (2)': 'B',
      'caf%E9': 'C',
      'empty/': '',
    });
    const part = await fetchArchive(`/v1/tenants/alpha/runs/${task.id}/outputs/archive?path=models`);
    expect(await contentsOf(part.file)).toEqual({ 'm.bin': 'M', '.._.._up': 'U' });
    expect((await ask(task, '/archive?path=nothing')).status).toBe(404);
    expect((await ask(task, '/archive?path=out')).status).toBe(404);
    const queued = await things().endedTask();
    expect(await contentsOf((await fetchArchive(`/v1/tenants/alpha/runs/${queued.id}/outputs/archive`)).file)).toEqual({});
  });

  it.skipIf(whyNoPython !== null)(`holds the outputs of several runs, each below its name, once${unless(whyNoPython)}`, async () => {
    const [first, second, empty] = [await things().endedTask(), await things().endedTask(), await things().endedTask()];
    await write(first, { 'a.txt': 'A', 'models/m.bin': 'M' });
    await write(second, { 'a.txt': 'of the second' });
    const many = (...runs: string[]): string => `/v1/tenants/alpha/outputs-archive?${runs.map((one) => `run=${one}`).join('&')}`;
    const { response, file } = await fetchArchive(many(first.id, `task-${second.number}`, empty.id, `task-${first.number}`));
    expect(response.headers.get('content-disposition')).toContain(`task-${first.number}-task-${second.number}-task-${empty.number}.zip`);
    expect(await contentsOf(file)).toEqual({
      [`task-${first.number}/a.txt`]: 'A',
      [`task-${first.number}/models/`]: '',
      [`task-${first.number}/models/m.bin`]: 'M',
      [`task-${second.number}/a.txt`]: 'of the second',
    });
    const status = async (address: string, secret = opened().viewer.secret): Promise<number> => (await opened().ask(secret, 'GET', address)).status;
    expect(await status(many(first.id, 'task-999999'))).toBe(404);
    expect(await status(many())).toBe(400);
    expect(await status(many(...Array.from({ length: 201 }, () => first.id)))).toBe(400);
    expect(await status(many(first.id).replace('alpha', 'beta'), opened().foreigner.secret), 'a run of another tenant').toBe(404);
  });

  it('is given up when its reader goes, and there are never too many at once', async () => {
    const task = await things().endedTask();
    // Ten gigabytes that take no room; no reader here takes more than a few buffers of it.
    await write(task, { 'large.pt': '' });
    await truncate(path.join(outputOf(task), 'large.pt'), 10 * 2 ** 30);
    const begin = (): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const address = `${opened().url}/v1/tenants/alpha/runs/${task.id}/outputs/archive`;
        get(address, { agent: false, headers: { authorization: `Bearer ${opened().viewer.secret}` } }, resolve).on('error', reject);
      });
    const readers = await Promise.all(Array.from({ length: 4 }, begin));
    for (const reader of readers) reader.on('error', () => {});
    expect(readers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
    expect((await ask(task, '/archive')).body).toMatchObject({ code: 'archives-busy' });
    const openFiles = async (): Promise<number> => {
      const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readFileLink(`/proc/self/fd/${fd}`)));
      return links.filter((link) => link.endsWith('/large.pt')).length;
    };
    expect(await openFiles()).toBe(4);
    for (const reader of readers) reader.destroy();
    await expect.poll(openFiles, { timeout: 20_000 }).toBe(0);
    const head = await opened().ask(opened().viewer.secret, 'HEAD', `/v1/tenants/alpha/runs/${task.id}/outputs/archive`);
    expect([head.status, head.headers['content-type']]).toEqual([200, 'application/zip']);
    expect(opened().errorsLogged).toEqual([]);
  });
});

const readFileLink = (place: string): Promise<string> => readlink(place).catch(() => '');

describe('archives of data', () => {
  it.skipIf(whyNoPython !== null)(`hold the files of a data, and of a data set by type and number${unless(whyNoPython)}`, async () => {
    const { data } = await things().dataWithFile();
    const dataset = await things().dataset(data);
    expect(await contentsOf((await fetchArchive(`/v1/tenants/alpha/data/${data.number}/archive`)).file)).toEqual({ 'file.txt': '8 bytes!' });
    expect(await contentsOf((await fetchArchive(`/v1/tenants/alpha/datasets/${dataset.id}/archive`)).file)).toEqual({
      [`training/${data.number}/file.txt`]: '8 bytes!',
    });
  });

  it.skipIf(whyNoPython !== null)(`hold the files of several data, each in a folder of its own, once${unless(whyNoPython)}`, async () => {
    const [first, second] = [(await things().dataWithFile()).data, (await things().dataWithFile()).data];
    const rename = (id: string, name: string) => opened().must(opened().member.secret, 'PATCH', `/v1/tenants/alpha/data/${id}`, { name });
    await rename(first.id, '../street at night/..');
    await rename(second.id, '日本語');
    const many = (...data: (string | number)[]): string => `/v1/tenants/alpha/data-archive?${data.map((one) => `data=${one}`).join('&')}`;
    const { response, file } = await fetchArchive(many(first.number, second.id, first.id));
    expect(response.headers.get('content-disposition')).toContain(`data-${first.number}-${second.number}.zip`);
    const contents = await contentsOf(file);
    expect(Object.values(contents)).toEqual(['8 bytes!', '8 bytes!']);
    expect(Object.keys(contents)).toEqual([`${first.number} .._street at night_../file.txt`, `${second.number} 日本語/file.txt`]);
    const status = async (address: string, secret = opened().viewer.secret): Promise<number> => (await opened().ask(secret, 'GET', address)).status;
    expect(await status(many(first.number, 999_999))).toBe(404);
    expect(await status(many())).toBe(400);
    expect(await status(many(first.id).replace('alpha', 'beta'), opened().foreigner.secret), 'a data of another tenant').toBe(404);
  });
});

describe('previews', () => {
  it('are data, whatever the job wrote, and cost little', async () => {
    const task = await things().endedTask();
    await write(task, { 'page.html': '<script>alert(1)</script>', 'a.csv': 'a,b\n1,2\n', 'log.txt': 'x'.repeat(300_000) });
    await truncate(path.join(outputOf(task), 'log.txt'), 20 * 2 ** 30);
    expect(await must(task, '/preview?path=page.html')).toMatchObject({ kind: 'text', text: '<script>alert(1)</script>' });
    expect(await must(task, '/preview?path=a.csv')).toMatchObject({
      kind: 'table',
      rows: [
        ['a', 'b'],
        ['1', '2'],
      ],
    });
    const large = await ask(task, '/preview?path=log.txt');
    expect(large.body).toMatchObject({ kind: 'text', size: 20 * 2 ** 30, cut: true });
    expect(large.text.length).toBeLessThan(400_000);
    expect(large.headers).toMatchObject({ 'content-type': expect.stringContaining('application/json'), 'x-content-type-options': 'nosniff' });
    await symlink(path.join(opened().home.folder, 'key'), path.join(outputOf(task), 'key'));
    expect((await ask(task, '/preview?path=key')).status).toBe(404);
    const { data, file } = await things().dataWithFile();
    const ofData = await opened().ask(opened().viewer.secret, 'GET', `/v1/tenants/alpha/data/${data.id}/files/${file}/preview`);
    expect(ofData.body).toMatchObject({ kind: 'text', text: '8 bytes!' });
  });
});

describe('attachments', () => {
  const at = (thing: Thing, rest = ''): string => `/v1/tenants/alpha/runs/${thing.id}/attachments${rest}`;
  const attach = (thing: Thing, name: string, content: string | Buffer, rest = ''): Promise<Answer> =>
    opened().ask(opened().member.secret, 'POST', at(thing, `?name=${encodeURIComponent(name)}${rest}`), new Uint8Array(Buffer.from(content)));
  const folderOf = (thing: Thing): string => path.join(opened().home.folder, 'runs', thing.id, 'attach');
  const list = async (thing: Thing) => (await opened().must(opened().viewer.secret, 'GET', at(thing))).body.items;

  it('are put beside a run and listed with what the job wrote, fetched, shown, and removed', async () => {
    const task = await things().endedTask();
    expect(await list(task)).toEqual([]);
    const added = await attach(task, 'ノート.txt', 'hello');
    expect([added.status, added.body]).toEqual([
      201,
      expect.objectContaining({
        name: 'ノート.txt',
        size: 5,
        attachedBy: expect.objectContaining({ name: 'mel' }),
        digest: expect.stringMatching(/^sha256:2cf24dba/),
      }),
    ]);
    await writeFile(path.join(folderOf(task), 'job.log'), 'by the job');
    expect((await list(task)).map(({ name, attachedBy }: { name: string; attachedBy: { name: string } | null }) => [name, attachedBy?.name ?? null])).toEqual([
      ['job.log', null],
      ['ノート.txt', 'mel'],
    ]);
    const name = encodeURIComponent('ノート.txt');
    expect((await opened().ask(opened().viewer.secret, 'GET', at(task, `/content?name=${name}`), undefined, { headers: { range: 'bytes=1-2' } })).text).toBe(
      'el',
    );
    expect((await opened().ask(opened().viewer.secret, 'GET', at(task, `/preview?name=${name}`))).body).toMatchObject({ kind: 'text', text: 'hello' });
    const remove = (what: string): Promise<Answer> => opened().ask(opened().member.secret, 'DELETE', at(task, `?name=${what}`));
    expect((await remove('job.log')).body.code).toBe('written-by-job');
    expect((await remove(name)).status).toBe(204);
    expect((await remove(name)).status).toBe(404);
    expect((await list(task)).map((one: { name: string }) => one.name)).toEqual(['job.log']);
  });

  it('are never written over; the same again is the same', async () => {
    const task = await things().endedTask();
    await attach(task, 'a.txt', 'first');
    const large = Buffer.alloc(3_000_000, 'some text');
    expect((await attach(task, 'large', large)).body).toMatchObject({ size: large.length });
    expect((await readFile(path.join(folderOf(task), 'large'))).equals(large)).toBe(true);
    expect((await attach(task, 'a.txt', 'first')).status).toBe(201);
    expect((await attach(task, 'a.txt', 'other')).body.code).toBe('name-taken');
    await symlink(path.join(opened().home.folder, 'key'), path.join(folderOf(task), 'link'));
    await mkdir(path.join(folderOf(task), 'folder'));
    for (const name of ['link', 'folder']) expect((await attach(task, name, 'x')).body.code).toBe('name-taken');
    expect(await readFile(path.join(folderOf(task), 'a.txt'), 'utf8')).toBe('first');
    // As after a death between the link and the row: the same bytes get their row.
    await writeFile(path.join(folderOf(task), 'half.txt'), 'half made');
    expect((await attach(task, 'half.txt', 'half made')).body.attachedBy).toMatchObject({ name: 'mel' });
    // As after a death between the file's end and the row's.
    await rm(path.join(folderOf(task), 'a.txt'));
    expect((await attach(task, 'a.txt', 'new')).body).toMatchObject({ size: 3, digest: expect.stringMatching(/^sha256:11507a0e/) });
  });

  it('are refused when they did not arrive as they were sent, and leave nothing', async () => {
    const task = await things().endedTask();
    expect((await attach(task, 'a.txt', 'hello', `&digest=sha256:${'0'.repeat(64)}`)).body.code).toBe('digest-differs');
    for (const name of ['../key', 'a/b', '..', '', 'a\0', 'x'.repeat(256), 'a\nb']) expect((await attach(task, name, 'x')).body.code).toBe('invalid-request');
    const tooLong = await opened().ask(opened().member.secret, 'POST', at(task, '?name=a'), { a: 1 });
    expect(tooLong.body.code).toBe('invalid-request');
    expect((await attach(task, 'empty', '')).body).toMatchObject({ size: 0 });
    expect((await list(task)).map((one: { name: string }) => one.name)).toEqual(['empty']);
    expect(await readdir(path.join(opened().home.folder, 'arriving'))).toEqual([]);
  });

  it('go away with their run', async () => {
    const task = await things().endedTask();
    await attach(task, 'a.txt', 'x');
    await opened().must(opened().member.secret, 'DELETE', `/v1/tenants/alpha/runs/${task.id}`);
    await expect.poll(() => existsSync(folderOf(task)), { timeout: 20_000 }).toBe(false);
    expect((await attach(task, 'b.txt', 'x')).status).toBe(404);
    expect(existsSync(folderOf(task))).toBe(false);
  });
});

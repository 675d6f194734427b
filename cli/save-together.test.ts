import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { getData, getDataFile, listDataFiles, readFiles } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { FileId } from '@sodate/contract/ids.ts';
import { bundle, sendBytes as send, sha256 } from './testing/bundles.ts';
import { contractServer, type ContractServer } from './testing/contract-server.ts';
import { testCli, type TestCli } from './testing/run-in-test.ts';
import { data } from './testing/samples.ts';
import { openVerifiedFiles } from './verified-files.ts';

interface Stored {
  readonly id: FileId;
  readonly name: string;
  readonly size: number;
  readonly digest: string;
  readonly bytes: Buffer;
}

const stored = (name: string, number: number, bytes: Buffer): Stored => ({
  id: FileId.parse(`01890000-0000-7000-8000-${String(number).padStart(12, '0')}`),
  name,
  size: bytes.length,
  digest: sha256(bytes),
  bytes,
});

/** As a suffix of the title. */
const whyNoList = existsSync('/proc/sys/kernel/random/boot_id') ? null : ' (skipped: this system does not say when it was started)';

describe('a download of many small files', () => {
  let server: ContractServer;
  let cli: TestCli;
  let into: string;
  beforeEach(async () => {
    server = await contractServer();
    cli = await testCli({ SODATE_SERVER: server.url, SODATE_TOKEN: 'a-token', SODATE_TENANT: 'team' });
    into = join(cli.folder, 'out');
  });
  afterEach(async () => {
    await cli[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const listing = (files: readonly Stored[]): void =>
    void server
      .on(getData, () => ({ ...data, fileCount: files.length, totalSize: files.reduce((sum, { size }) => sum + size, 0) }))
      .on(listDataFiles, ({ query }) => {
        const from = query.cursor === undefined ? 0 : Number(query.cursor);
        const next = from + query.limit;
        return {
          items: files.slice(from, next).map(({ id, name, size, digest }) => ({ id, name, size, digest })),
          nextCursor: next < files.length ? String(next) : null,
          total: { count: files.length, exact: true },
        };
      });
  const answerOf = (files: readonly Stored[]): Buffer => bundle(files.map(({ id, digest, bytes }) => ({ head: { id, digest }, bytes })));
  const download = (...more: readonly string[]) => cli.run(['data', 'download', '3', '--into', into, ...more]);
  const asked = (route: string): number => server.calls.filter((call) => call.route === route).length;
  const expectThere = async (files: readonly Stored[]): Promise<void> => {
    for (const { name, bytes } of files) expect((await readFile(join(into, name))).equals(bytes), name).toBe(true);
    expect((await readdir(into, { recursive: true })).filter((name) => name.endsWith('.part'))).toEqual([]);
  };

  test('takes few requests and many pages, and says nothing but how many there are', async () => {
    const files = Array.from({ length: 2_300 }, (_nothing, index) => stored(`${index % 9}/${index}`, index, randomBytes(index % 40)));
    const byId = new Map(files.map((file) => [file.id, file]));
    listing(files);
    server.on(readFiles, ({ body, response }) => send(response, answerOf(body.files.map((id) => byId.get(id) as Stored))));
    expect(await download()).toMatchObject({ exitCode: 0, err: '', out: expect.stringContaining('2300 files (') });
    await expectThere(files);
    expect([asked(readFiles.id), asked(getDataFile.id), asked(listDataFiles.id)]).toEqual([12, 0, 3]);
    const again = await download('--json');
    expect(JSON.parse(again.out)).toMatchObject({ alreadyThere: 2_300, refused: [], files: expect.objectContaining({ length: 2_300 }) });
    expect(asked(readFiles.id), 'nothing is asked for again').toBe(12);
  });

  test('asks, when the answer breaks off, for what has not come', async () => {
    const files = Array.from({ length: 50 }, (_nothing, index) => stored(String(index), index, randomBytes(2_000)));
    const byId = new Map(files.map((file) => [file.id, file]));
    const counts: number[] = [];
    listing(files);
    server.on(readFiles, ({ body, response }) => {
      counts.push(body.files.length);
      const answer = answerOf(body.files.map((id) => byId.get(id) as Stored));
      return send(response, answer, counts.length <= 3 ? Math.floor(answer.length / 2) : answer.length);
    });
    expect(await download()).toMatchObject({ exitCode: 0, err: '' });
    await expectThere(files);
    expect(counts).toHaveLength(4);
    expect(
      counts.toSorted((a, b) => b - a),
      'fewer each time',
    ).toEqual(counts);
    expect(counts[3]).toBeLessThan(20);
  });

  test('asks by itself for what is gone or came otherwise, and leaves out what nobody has', async () => {
    const files = ['good', 'changed', 'gone', 'folder/below'].map((name, index) => stored(name, index, randomBytes(100)));
    const [good, changed, gone, below] = files as [Stored, Stored, Stored, Stored];
    listing(files);
    server
      .on(readFiles, ({ response }) => send(response, answerOf([good, { ...changed, bytes: randomBytes(100) }, below])))
      .on(getDataFile, ({ params, response }) => {
        if (params.file === gone.id) throw new SodateError('not-found', { thing: 'file', reference: gone.id });
        expect(params.file).toBe(changed.id);
        return void response.end(changed.bytes);
      });
    const { exitCode, err, out } = await download();
    expect([exitCode, out]).toEqual([1, expect.stringContaining('3 files (300 B) are in')]);
    expect(err).toMatch(/^left out: gone: /);
    await expectThere([good, changed, below]);
  });

  test('goes one by one where the server does not know how, and ends where it refuses', async () => {
    const files = ['a', 'b'].map((name, index) => stored(name, index, Buffer.from(name)));
    const refusing = { on: false };
    listing(files);
    server
      .on(readFiles, ({ request }) => {
        throw new SodateError(refusing.on ? 'not-allowed' : 'route-not-found', { method: request.method ?? '', path: '', needed: 'viewer', tenant: 'team' });
      })
      .on(getDataFile, ({ params, response }) => {
        if (refusing.on) throw new SodateError('not-allowed', { needed: 'viewer', tenant: 'team' });
        return void response.end(files.find(({ id }) => id === params.file)?.bytes);
      });
    expect(await download()).toMatchObject({ exitCode: 0, err: '' });
    await expectThere(files);
    refusing.on = true;
    await writeFile(join(into, 'a'), 'other');
    await writeFile(join(into, 'b'), 'other');
    expect((await download()).exitCode).not.toBe(0);
  });

  test('never writes through a link, nor over what a killed process left half', async () => {
    const files = ['link/passwd', 'half', 'whole'].map((name, index) => stored(name, index, randomBytes(100)));
    const elsewhere = join(cli.folder, 'elsewhere');
    await Promise.all([mkdir(into), mkdir(elsewhere)]);
    await symlink(elsewhere, join(into, 'link'));
    await writeFile(join(into, `half.${files[1]?.digest.slice(-12)}.part`), randomBytes(300));
    await symlink(join(elsewhere, 'planted'), join(into, `whole.${files[2]?.digest.slice(-12)}.part`));
    listing(files);
    server
      .on(readFiles, ({ body, response }) => send(response, answerOf(files.filter(({ id }) => body.files.includes(id)))))
      .on(getDataFile, ({ response }) => void response.end(randomBytes(100)));
    const { exitCode, err } = await download();
    expect(exitCode).toBe(1);
    expect(err).toContain('left out: link/passwd: The file name "link/passwd" leads out of the folder');
    expect(err).toContain('left out: whole');
    expect(await readdir(elsewhere)).toEqual([]);
    expect((await readFile(join(into, 'half'))).equals(files[1]?.bytes ?? Buffer.alloc(0))).toBe(true);
  });

  test.skipIf(whyNoList !== null)(`goes on without reading what had come, and reads all when asked once more${whyNoList ?? ''}`, async () => {
    const files = Array.from({ length: 1_000 }, (_nothing, index) => stored(String(index), index, randomBytes(50)));
    const byId = new Map(files.map((file) => [file.id, file]));
    const refusing = { on: true };
    listing(files);
    server
      .on(readFiles, ({ body, response }) => {
        if (refusing.on && asked(readFiles.id) > 3) throw new SodateError('not-allowed', { needed: 'viewer', tenant: 'team' });
        return send(response, answerOf(body.files.map((id) => byId.get(id) as Stored)));
      })
      .on(getDataFile, () => {
        throw new SodateError('not-allowed', { needed: 'viewer', tenant: 'team' });
      });
    expect((await download('--concurrency', '1')).exitCode).not.toBe(0);
    const lists = join(cli.folder, 'cache/sodate/downloads');
    expect(await readdir(lists)).toHaveLength(1);

    // Whether a file is read shows by one of which something wrong was noted.
    const { digest, name, bytes } = files[7] as Stored;
    const wrong = randomBytes(50);
    await writeFile(join(into, name), wrong);
    const noted = await openVerifiedFiles({ XDG_CACHE_HOME: join(cli.folder, 'cache') }, into);
    await noted.note(join(into, name), digest, await lstat(join(into, name), { bigint: true }));
    await noted.flush();
    // One that was written to is read, and fetched again.
    await writeFile(join(into, '8'), wrong);
    refusing.on = false;
    expect(await download()).toMatchObject({ exitCode: 0, out: expect.stringContaining('599 of them were there already') });
    expect((await readFile(join(into, name))).equals(wrong)).toBe(true);
    expect(await readdir(lists)).toEqual([]);

    expect(await download()).toMatchObject({ exitCode: 0, out: expect.stringContaining('999 of them were there already') });
    expect((await readFile(join(into, name))).equals(bytes)).toBe(true);
  });
});

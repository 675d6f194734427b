import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { getData, getDataFile, listDataFiles } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { getOutput, searchOutputs } from '@sodate/contract/run-routes.ts';
import type { Cli } from './cli.ts';
import { saveFile } from './save-file.ts';
import { contractServer, type ContractServer } from './testing/contract-server.ts';
import { data } from './testing/samples.ts';
import { testCli, type TestCli } from './testing/run-in-test.ts';

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const id = (number: number): string => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`;

describe('a download', () => {
  let server: ContractServer;
  let cli: TestCli;
  const bytes = randomBytes(300_000);
  const digest = sha256(bytes);
  /** What each request asked for, `all` without a range. */
  const ranges: string[] = [];

  beforeEach(async () => {
    server = await contractServer();
    cli = await testCli({ SODATE_SERVER: server.url, SODATE_TOKEN: 'a-token', SODATE_TENANT: 'team' });
    ranges.length = 0;
  });
  afterEach(async () => {
    await cli[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  /** Serves ranges as the platform does; each answer is cut after so many bytes. */
  function serve(names: readonly string[], cutAfter: (request: number) => number | null): void {
    const items = names.map((name, index) => ({ id: id(index), name, size: bytes.length, digest }));
    server
      .on(getData, () => ({ ...data, fileCount: items.length, totalSize: items.length * bytes.length }))
      .on(listDataFiles, () => ({ items, nextCursor: null, total: { count: items.length, exact: true } }))
      .on(getDataFile, ({ request, response }) => {
        const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
        ranges.push(request.headers.range ?? 'all');
        if (from > 0) expect(request.headers['if-range']).toBe(`"${digest}"`);
        if (from >= bytes.length) throw new SodateError('range-not-satisfiable', { size: bytes.length });
        response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from });
        const cut = cutAfter(ranges.length);
        if (cut === null) return void response.end(bytes.subarray(from));
        response.write(bytes.subarray(from, from + cut), () => response.destroy());
      });
  }

  test('goes on after each cut with the rest only, and appears when it is whole', async () => {
    serve(['folder/large'], (request) => (request <= 3 ? 70_000 : null));
    const into = join(cli.folder, 'out');
    expect(await cli.run(['data', 'download', '3', '--into', into])).toMatchObject({ exitCode: 0, err: '' });
    expect(ranges[0]).toBe('all');
    expect(ranges.slice(1).every((range) => range.startsWith('bytes='))).toBe(true);
    expect(await readdir(join(into, 'folder'))).toEqual(['large']);
    expect((await readFile(join(into, 'folder/large'))).equals(bytes)).toBe(true);
  });

  test('of what is there with the digest of the answer is done, though the connection broke while that was read', async () => {
    const folder = join(cli.folder, 'out');
    await mkdir(folder);
    await writeFile(join(folder, 'there'), bytes);
    const broken = new Response(new ReadableStream({ start: (body) => body.error(new TypeError('terminated')) }), { headers: { etag: `"${digest}"` } });
    const saved = await saveFile({ signal: undefined } as unknown as Cli, { folder, name: 'there', onBytes: () => {} }, async () => broken);
    expect(saved).toEqual({ how: 'there', size: bytes.length });
  });

  test('takes up the beginning that an earlier process left, and begins anew where that is of something else', async () => {
    serve(['large'], () => null);
    const into = join(cli.folder, 'out');
    await mkdir(into);
    const part = join(into, `large.${digest.slice(-12)}.part`);
    await writeFile(part, bytes.subarray(0, 100_000));
    expect((await cli.run(['data', 'download', '3', '--into', into])).exitCode).toBe(0);
    expect(ranges).toEqual(['bytes=100000-']);
    expect((await readFile(join(into, 'large'))).equals(bytes)).toBe(true);

    await writeFile(join(into, 'large'), 'another content');
    await writeFile(part, randomBytes(100_000));
    expect((await cli.run(['data', 'download', '3', '--into', into])).exitCode).toBe(0);
    expect(ranges.slice(1)).toEqual(['bytes=100000-', 'all']);
    expect((await readFile(join(into, 'large'))).equals(bytes)).toBe(true);
    // All of it had arrived, but not its last step.
    await writeFile(join(into, 'large'), 'another content');
    await writeFile(part, bytes);
    expect((await cli.run(['data', 'download', '3', '--into', into])).exitCode).toBe(0);
    expect((await readFile(join(into, 'large'))).equals(bytes)).toBe(true);
    expect(await readdir(into)).toEqual(['large']);
  });

  test('leaves out what leads through a link, or has no place here, and brings the others', async () => {
    serve(['link/passwd', 'file', 'file/below', 'good'], () => null);
    const into = join(cli.folder, 'out');
    const elsewhere = join(cli.folder, 'elsewhere');
    await Promise.all([mkdir(into), mkdir(elsewhere)]);
    await symlink(elsewhere, join(into, 'link'));
    const { exitCode, err, out } = await cli.run(['data', 'download', '3', '--into', into, '--concurrency', '1']);
    expect(exitCode).toBe(1);
    expect(err).toContain('left out: link/passwd: The file name "link/passwd" leads out of the folder');
    expect(err).toContain('left out: file');
    expect(out).toContain('2 files (600 kB) are in');
    expect(await readdir(elsewhere)).toEqual([]);
    expect((await readdir(into)).toSorted()).toEqual(['file', 'good', 'link']);
  });

  test('of an output is checked by the digest that comes with it, and not fetched again', async () => {
    let asked = 0;
    let answered = bytes;
    server
      .on(searchOutputs, () => ({
        items: [{ name: 'model', kind: 'file' as const, size: bytes.length, modifiedAt: null, digest: null, below: null }],
        nextCursor: null,
      }))
      .on(getOutput, ({ response }) => {
        asked += 1;
        return void response.writeHead(200, { etag: `"${digest}"` }).end(answered);
      });
    const into = join(cli.folder, 'out');
    expect((await cli.run(['run', 'download', 'task-1', '--into', into])).exitCode).toBe(0);
    expect((await cli.run(['run', 'download', 'task-1', '--into', into])).out).toContain('1 of them were there already');
    expect(asked).toBe(2);
    answered = randomBytes(300_000);
    const { exitCode, err } = await cli.run(['run', 'download', 'task-1', '--into', join(cli.folder, 'other')]);
    expect([exitCode, err]).toEqual([1, expect.stringContaining('arrived with other content')]);
    expect(await readdir(join(cli.folder, 'other'))).toEqual([]);
  });
});

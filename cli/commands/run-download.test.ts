import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SodateError } from '@sodate/contract/errors.ts';
import { readOutputs } from '@sodate/contract/output-bundles.ts';
import { getOutput, previewOutput, searchOutputs } from '@sodate/contract/run-routes.ts';
import { bundle, sendBytes, sha256 } from '../testing/bundles.ts';
import { contractServer, type ContractServer } from '../testing/contract-server.ts';
import { testCli, type TestCli } from '../testing/run-in-test.ts';

describe('a download of outputs', () => {
  let server: ContractServer;
  let cli: TestCli;
  let into: string;
  /** By path, what is there when it is read; what is listed may be something else. */
  let there: Map<string, Buffer>;
  beforeEach(async () => {
    server = await contractServer();
    cli = await testCli({ SODATE_SERVER: server.url, SODATE_TOKEN: 'a-token', SODATE_TENANT: 'team' });
    into = join(cli.folder, 'out');
    there = new Map();
    server
      .on(readOutputs, ({ body, response }) => sendBytes(response, answerTo(body.paths)))
      .on(getOutput, ({ query, response }) => {
        const bytes = there.get(query.path);
        if (bytes === undefined) throw new SodateError('not-found', { thing: 'output file', reference: query.path });
        return void response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      });
  });
  afterEach(async () => {
    await cli[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  interface Listed {
    readonly name: string;
    readonly size: number;
    readonly digest: string | null;
  }
  const list = (files: readonly Listed[]): void =>
    void server.on(searchOutputs, ({ query }) => {
      const from = query.cursor === undefined ? 0 : Number(query.cursor);
      const next = from + query.limit;
      const items = files.slice(from, next).map((file) => ({ ...file, kind: 'file' as const, modifiedAt: null, below: null }));
      return { items, nextCursor: next < files.length ? String(next) : null };
    });
  const asListed = (digests: boolean): Listed[] => [...there].map(([name, bytes]) => ({ name, size: bytes.length, digest: digests ? sha256(bytes) : null }));
  /** One bundle for each file, as the server does it. */
  const answerTo = (paths: readonly string[]): Buffer =>
    Buffer.concat(
      paths.flatMap((path) => {
        const bytes = there.get(path);
        return bytes === undefined || bytes.length > 1024 * 1024 ? [] : [bundle([{ head: { path }, bytes }])];
      }),
    );
  const download = (...more: readonly string[]) => cli.run(['run', 'download', 'task-1', '--into', into, ...more]);
  const asked = (route: string): number => server.calls.filter((call) => call.route === route).length;
  const expectThere = async (): Promise<void> => {
    for (const [name, bytes] of there) expect((await readFile(join(into, name))).equals(bytes), name).toBe(true);
    expect((await readdir(into, { recursive: true })).filter((name) => name.endsWith('.part'))).toEqual([]);
  };

  test('takes few requests, and with digests nothing is fetched twice', async () => {
    for (let at = 0; at < 2_300; at += 1) there.set(`${at % 9}/${at}`, randomBytes(at % 40));
    list(asListed(true));
    expect(await download()).toMatchObject({ exitCode: 0, err: '', out: expect.stringContaining('2300 files (') });
    await expectThere();
    expect([asked(readOutputs.id), asked(getOutput.id), asked(searchOutputs.id)]).toEqual([12, 0, 3]);
    await writeFile(join(into, '0/9'), 'something else');
    const again = JSON.parse((await download('--json')).out);
    expect(again).toMatchObject({ alreadyThere: 2_299, refused: [], changed: [] });
    expect(again.files).toHaveLength(2_300);
    await expectThere();
    // One file missing of two hundred that were looked at is asked for in the same way.
    expect([asked(readOutputs.id), asked(getOutput.id)]).toEqual([13, 0]);
  });

  test('of a run that goes on brings each file as it is when it is read, and says what has changed since it was listed', async () => {
    there = new Map([
      ['same', Buffer.from('same')],
      ['grown', Buffer.from('grown by some')],
      ['cut', Buffer.from('c')],
      ['now large', randomBytes(1024 * 1024 + 1)],
    ]);
    const gone = { name: 'gone', size: 5, digest: null };
    list([...asListed(false).map((file) => (file.name === 'same' ? file : { ...file, size: 5 })), gone]);
    const { exitCode, err, out } = await download();
    expect([exitCode, out]).toEqual([1, expect.stringContaining('4 files (1 MB) are in')]);
    const lines = err.trimEnd().split('\n').toSorted();
    expect(lines).toEqual([
      'changed meanwhile: cut: 5 bytes when it was listed, 1 when it was read, as it is here now',
      'changed meanwhile: grown: 5 bytes when it was listed, 13 when it was read, as it is here now',
      'changed meanwhile: now large: 5 bytes when it was listed, 1048577 when it was read, as it is here now',
      expect.stringMatching(/^left out: gone: .*gone/),
    ]);
    await expectThere();
    // Without digests nothing tells that a file is still the same: it is fetched once more.
    there.set('same', Buffer.from('SAME'));
    list(asListed(false));
    expect(JSON.parse((await download('--json')).out)).toMatchObject({ alreadyThere: 0, changed: [], refused: [] });
    await expectThere();
  });

  test('asks, when the answer breaks off, for what has not come', async () => {
    for (let at = 0; at < 50; at += 1) there.set(String(at), randomBytes(2_000));
    list(asListed(false));
    const counts: number[] = [];
    server.on(readOutputs, ({ body, response }) => {
      counts.push(body.paths.length);
      const answer = answerTo(body.paths);
      return sendBytes(response, answer, counts.length <= 3 ? Math.floor(answer.length / 2) : answer.length);
    });
    expect(await download()).toMatchObject({ exitCode: 0, err: '' });
    await expectThere();
    expect(counts).toHaveLength(4);
    expect(counts[3]).toBeLessThan(20);
    expect(asked(getOutput.id)).toBe(0);
  });

  test('says that there is no such run, or that it has no such folder', async () => {
    for (const thing of ['run', 'tenant', 'folder']) {
      const missing = (): never => {
        throw new SodateError('not-found', { thing, reference: 'what was asked for' });
      };
      server.on(searchOutputs, missing).on(previewOutput, missing);
      const { exitCode, err, out } = await download();
      expect([exitCode, err + out]).toEqual([1, expect.stringContaining(thing === 'folder' ? 'holds no files' : `There is no ${thing}`)]);
    }
  });

  test('does not save what came otherwise than the server read it, or is not what the digest of the list says', async () => {
    there = new Map([
      ['damaged', randomBytes(100)],
      ['changed', randomBytes(100)],
      ['good', randomBytes(100)],
    ]);
    list(asListed(false).map((file) => (file.name === 'changed' ? { ...file, digest: sha256(randomBytes(100)) } : file)));
    server.on(readOutputs, ({ body, response }) => {
      const damaged = bundle([{ head: { path: 'damaged', digest: sha256(there.get('damaged') ?? Buffer.alloc(0)) }, bytes: randomBytes(100) }]);
      return sendBytes(response, Buffer.concat([damaged, answerTo(body.paths.filter((path) => path !== 'damaged'))]));
    });
    const { exitCode, err } = await download();
    expect([exitCode, err]).toEqual([1, expect.stringMatching(/^left out: changed: changed arrived with other content/)]);
    there.delete('changed');
    await expectThere();
    expect((await readdir(into)).toSorted(), 'asked for by itself it was whole').toEqual(['damaged', 'good']);
  });
});

import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addFiles, BundleHead, createData, getData, getDataFile, listData, listDataFiles, readFiles } from '@sodate/contract/data.ts';
import { createDataset, getDataset, updateDataset } from '@sodate/contract/datasets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { getHealth } from '@sodate/contract/health.ts';
import { getLineage } from '@sodate/contract/lineage.ts';
import { attachFile, detachFile, getAttachment, listAttachments } from '@sodate/contract/attachments.ts';
import {
  archiveOutputs,
  followLog,
  getLog,
  getOutput,
  getRun,
  getWaiting,
  listOutputs,
  listRuns,
  previewOutput,
  searchOutputs,
} from '@sodate/contract/run-routes.ts';
import { getMe, signIn, signInByLink, signOut } from '@sodate/contract/session.ts';
import { startTask } from '@sodate/contract/tasks.ts';
import { getTenant } from '@sodate/contract/tenants.ts';
import { createToken } from '@sodate/contract/tokens.ts';
import { startTraining } from '@sodate/contract/training.ts';
import { ALL_COMMANDS } from './all-commands.ts';
import { configPath } from './config-file.ts';
import { type ContractServer, contractServer } from './testing/contract-server.ts';
import { type TestCli, testCli } from './testing/run-in-test.ts';
import { at, data, id, me, noMore, person, run } from './testing/samples.ts';

let server: ContractServer;
let cli: TestCli;
beforeEach(async () => {
  server = await contractServer();
  server.on(getMe, () => me);
  cli = await testCli({ SODATE_SERVER: server.url, SODATE_TOKEN: 'secret' });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await cli[Symbol.asyncDispose]();
});

const tenant = {
  id: id(2),
  number: 1,
  name: 'lab',
  displayName: 'Lab',
  quota: { cpu: null, memory: null, gpus: null },
  executors: null,
  dropCapabilities: false,
  createdAt: at,
};
const details = { ...run, details: { kind: 'task' } as const };

describe('every command', () => {
  test.each(ALL_COMMANDS.map((command) => command.path))('%s has help', async (path) => {
    const { exitCode, out, err } = await cli.run([...path.split(' '), '--help']);
    expect([exitCode, err]).toEqual([0, '']);
    expect(out).toContain(`Usage: sodate ${path}`);
    expect(out).toContain('--json');
    for (const line of out.split('\n').filter((one) => /^ {2}-/.test(one))) expect(line).toMatch(/ {2}\S.* {2,}\S/);
  });

  test('none is there twice', () => {
    expect(new Set(ALL_COMMANDS.map((command) => command.path)).size).toBe(ALL_COMMANDS.length);
  });
});

describe('usage errors exit with 2 and touch no server', () => {
  test.each([
    [[], 'Usage: sodate'],
    [['dta'], 'Did you mean data?'],
    [['data'], 'Usage: sodate data'],
    [['data', 'show'], "missing required argument 'data'"],
    [['data', 'list', '--nonsense'], "unknown option '--nonsense'"],
    [['data', 'list', '--limit', 'many'], '--limit <count>: "many" is not a whole number.'],
    [['data', 'list', '--limit', '0'], '--limit: at least 1.'],
    [['task', 'run', '--memory', '2X', '--', 'ls'], '--memory <size>: "2X" is not a size'],
    [['task', 'run'], 'A command is needed'],
    [['task', 'run', '--script', 'x', '--', 'y'], 'exclude each other'],
    [['task', 'run', '--env', 'x', '--', 'y'], '"x" is not NAME=VALUE'],
    [['training', 'run', '--repository', 'r', '--', 'y'], '--dataset <dataset> is needed.'],
    [['run', 'list', '--state', 'asleep'], '"asleep" is none of queued,'],
    [['member', 'add', 'ann', '--role', 'king'], '"king" is none of viewer, member, admin'],
    [['dataset', 'create', 'd', '--flat', '1', '--training', '2'], '--flat excludes'],
    [['dataset', 'create', 'd', '--flat', '9-3'], 'is not a range'],
    [['token', 'create'], '--name <name> is needed'],
    [['login', '--user', 'ann'], '--password-stdin or --password is needed'],
    [['login', '--link', 'x', '--password', 'y'], 'Copy the whole link'],
    [['data', 'list', '--server', 'http://'], 'is not an address'],
  ])('%j', async (args, message) => {
    const { exitCode, out, err } = await cli.run(args);
    expect(err).toContain(message);
    expect([exitCode, out]).toEqual([2, '']);
    expect(server.calls.filter((call) => call.route !== 'me.get')).toEqual([]);
  });
});

describe('errors', () => {
  test('of the server are told on stderr with what to do, exit code 1', async () => {
    server.on(getData, () => {
      throw new SodateError('not-found', { thing: 'data', reference: '9' });
    });
    expect(await cli.run(['data', 'show', '9', '--json'])).toEqual({ exitCode: 1, out: '', err: 'error: There is no data 9 here.\n' });
  });

  test('of the platform name the request', async () => {
    const { exitCode, err } = await cli.run(['data', 'show', '9']);
    expect(exitCode).toBe(1);
    expect(err).toContain('has more under request request-1');
  });

  test('a token that is not valid says how to sign in', async () => {
    server.on(getData, () => {
      throw new SodateError('not-signed-in');
    });
    expect((await cli.run(['data', 'show', '9'])).err).toContain('`sodate login`');
  });

  test('without a token it says what to do', async () => {
    const environment = { SODATE_SERVER: undefined, SODATE_TOKEN: undefined };
    expect(await cli.run(['data', 'list'], { environment })).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('Not signed in at http://127.0.0.1:7363'),
    });
    expect((await cli.run(['data', 'list', '--server', server.url], { environment })).err).toContain(`Not signed in at ${server.url}`);
  });
});

describe('signing in', () => {
  const environment = { SODATE_SERVER: undefined, SODATE_TOKEN: undefined };
  const session = { me, token: 'session-secret', expiresAt: at };

  test('keeps the token in a file for its owner only, prints no secret, and ends with logout', async () => {
    server.on(signIn, ({ body }) => {
      if (body.password !== 'right one') throw new SodateError('bad-credentials');
      return session;
    });
    const args = ['login', '--server', server.url, '--user', 'ann', '--password-stdin'];
    expect(await cli.run(args, { environment, input: 'wrong\n' })).toEqual({ exitCode: 1, out: '', err: 'error: Name or password is wrong.\n' });
    const outcome = await cli.run([...args, '--json'], { environment, input: 'right one\nrest' });
    expect(JSON.parse(outcome.out)).toEqual({ server: server.url, user: 'ann', expiresAt: at });
    const path = configPath({ XDG_CONFIG_HOME: cli.folder });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ server: server.url, token: 'session-secret' });

    expect((await cli.run(['whoami'], { environment })).out).toContain('lab (member)');
    expect(server.calls.at(-1)?.authorization).toBe('Bearer session-secret');

    server.on(signOut, () => undefined);
    expect(await cli.run(['logout'], { environment })).toMatchObject({ exitCode: 0, out: `Signed out at ${server.url}.\n` });
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ server: server.url });
    expect((await cli.run(['whoami'], { environment })).err).toContain('Not signed in');
  });

  test('takes a one-time link, also of a server behind a path, and sets the password', async () => {
    server.on(signInByLink, () => session);
    const link = async (path: string) => cli.run(['login', '--link', server.url + path, '--password', 'new password'], { environment });
    expect((await link('/first-sign-in#abc')).exitCode).toBe(0);
    expect(server.calls.at(-1)?.body).toMatchObject({ secret: 'abc', password: 'new password', keep: 'token' });
    expect((await link('/below/first-sign-in#abc')).err).toContain('There is no POST /below/v1/session/link');
    expect(await link('/first-sign-in')).toMatchObject({ exitCode: 2, err: expect.stringContaining('holds no secret') });
  });

  test('a token of the form id:secret is sent as basic authentication', async () => {
    await cli.run(['whoami'], { environment: { SODATE_TOKEN: 'me:pw' } });
    expect(server.calls.at(-1)?.authorization).toBe(`Basic ${btoa('me:pw')}`);
  });
});

describe('the tenant', () => {
  test('is the only one, or must be chosen', async () => {
    server.on(listData, () => ({ ...noMore, items: [data] }));
    await cli.run(['data', 'list']);
    expect(server.calls.at(-1)?.params).toEqual({ tenant: 'lab' });
    server.on(getMe, () => ({ ...me, tenants: [...me.tenants, { ...tenant, name: 'shop', role: 'viewer' as const }] }));
    expect(await cli.run(['data', 'list'])).toMatchObject({ exitCode: 1, err: expect.stringContaining('several tenants: lab, shop') });
    await cli.run(['data', 'list', '--tenant', 'shop']);
    expect(server.calls.at(-1)?.params).toEqual({ tenant: 'shop' });
    await cli.run(['data', 'list'], { environment: { SODATE_TENANT: 'lab' } });
    expect(server.calls.at(-1)?.params).toEqual({ tenant: 'lab' });
  });

  test('is kept by `tenant use`', async () => {
    const environment = { SODATE_SERVER: undefined, SODATE_TOKEN: undefined };
    server
      .on(signIn, () => ({ me, token: 't', expiresAt: at }))
      .on(getTenant, () => ({ ...tenant, name: 'shop' }))
      .on(listData, () => ({ ...noMore, items: [] }));
    await cli.run(['login', '--server', server.url, '--user', 'ann', '--password', 'pw'], { environment });
    expect(await cli.run(['tenant', 'use', 'shop'], { environment })).toMatchObject({ exitCode: 0 });
    expect(await cli.run(['data', 'list'], { environment })).toMatchObject({ out: '(none)\n' });
    expect(server.calls.at(-1)?.params).toEqual({ tenant: 'shop' });
  });
});

test('token create --json prints exactly one line with id and secret', async () => {
  server.on(createToken, () => ({ id: id(9), name: 'ci', user: person, createdAt: at, expiresAt: null, lastUsedAt: null, secret: 'shown once' }));
  expect(await cli.run(['token', 'create', '--name', 'ci', '--json'])).toEqual({ exitCode: 0, out: `{"id":"${id(9)}","secret":"shown once"}\n`, err: '' });
});

test('version tells both, also where no server answers', async () => {
  server.on(getHealth, () => ({ status: 'ok' as const, version: '9.9.9', installation: id(1) }));
  expect(JSON.parse((await cli.run(['version', '--json'])).out)).toMatchObject({ server: '9.9.9' });
  expect((await cli.run(['version'], { environment: { SODATE_SERVER: 'http://127.0.0.1:9' } })).out).toContain('not reached');
  expect((await cli.run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe('data', () => {
  test('lists turn pages up to the limit, and say when there is more', async () => {
    server.on(listData, ({ query }) => ({
      items: Array.from({ length: query.limit }, () => data),
      nextCursor: 'next',
      total: { count: 10_000, exact: false },
    }));
    const { out } = await cli.run(['data', 'list', '--limit', '250', '--tag', 'a', '--tag', 'b']);
    expect(server.calls.filter((call) => call.route === 'data.list').map((call) => call.query)).toEqual([
      { limit: 200, tag: ['a', 'b'] },
      { limit: 50, tag: ['a', 'b'], cursor: 'next' },
    ]);
    expect(out.split('\n')[0]).toMatch(/^NUMBER +NAME +TAGS +FILES +SIZE/);
    expect(out).toContain('(250 of 10000 or more; --limit shows more)');
  });

  test('show and create', async () => {
    server.on(getData, () => data).on(createData, ({ body }) => ({ ...data, name: body.name }));
    expect((await cli.run(['data', 'show', '3'])).out).toContain('#3 cats\nMemo:    two\n         lines\n');
    expect(JSON.parse((await cli.run(['data', 'create', 'dogs', '--tag', 'x', '--json'])).out)).toMatchObject({ name: 'dogs' });
  });

  test('upload sends a folder, skips what is there, and download brings it back', async () => {
    const folder = join(cli.folder, 'in');
    await mkdir(join(folder, 'sub'), { recursive: true });
    await writeFile(join(folder, 'sub/犬.txt'), 'wan');
    await writeFile(join(folder, 'old.txt'), 'old');
    const digest = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
    const old = { id: id(20), name: 'old.txt', size: 3, digest: digest('old') };
    const fresh = { id: id(21), name: 'sub/犬.txt', size: 3, digest: digest('wan') };
    let received = '';
    server
      .on(listDataFiles, () => ({ ...noMore, items: received === '' ? [old] : [old, fresh] }))
      .on(addFiles, ({ bytes }) => {
        const headLength = bytes.readUInt32BE();
        expect(BundleHead.parse(JSON.parse(bytes.subarray(4, 4 + headLength).toString()))).toEqual({
          files: [{ name: 'sub/犬.txt', size: 3, digest: digest('wan') }],
        });
        received = bytes.subarray(4 + headLength).toString();
        return { files: [fresh], refused: [] };
      })
      .on(getData, () => ({ ...data, fileCount: 2, totalSize: 6 }))
      .on(readFiles, ({ body, response }) => {
        const files = [old, fresh].filter(({ id }) => body.files.includes(id as (typeof body.files)[number]));
        const head = Buffer.from(JSON.stringify({ files: files.map(({ id, size, digest }) => ({ id, size, digest })) }));
        const length = Buffer.alloc(4);
        length.writeUInt32BE(head.length);
        return void response.end(Buffer.concat([length, head, ...files.map(({ id }) => Buffer.from(id === old.id ? 'old' : received))]));
      })
      .on(getDataFile, ({ params, response }) => void response.end(params.file === old.id ? 'old' : received));
    const uploaded = await cli.run(['data', 'upload', '3', folder]);
    expect(uploaded).toEqual({ exitCode: 0, out: '1 file (3 B) is in data 3.\n1 file was there already.\n', err: '' });
    expect(received).toBe('wan');
    expect((await cli.run(['data', 'upload', '3', folder])).out).toBe('0 files (0 B) are in data 3.\n2 files were there already.\n');
    await writeFile(join(folder, 'old.txt'), 'new');
    const refused = await cli.run(['data', 'upload', '3', folder]);
    expect(refused).toMatchObject({ exitCode: 1, err: 'refused: old.txt: There is already a file named old.txt. Choose another name.\n' });
    expect((await cli.run(['data', 'upload', '3', folder, '--skip-existing'])).exitCode).toBe(0);
    const into = join(cli.folder, 'out');
    expect(await cli.run(['data', 'download', '3', '--into', into])).toMatchObject({ exitCode: 0, err: '' });
    expect(await readFile(join(into, 'sub/犬.txt'), 'utf8')).toBe('wan');
    // What is there is not fetched again.
    received = 'cat';
    expect((await cli.run(['data', 'download', '3', '--into', into])).out).toContain('2 of them were there already');
    await rm(join(into, 'sub/犬.txt'));
    expect(await cli.run(['data', 'download', '3', '--into', into])).toMatchObject({ exitCode: 1, err: expect.stringContaining('arrived with other content') });
    expect(await readdir(join(into, 'sub'))).toEqual([]);
  });

  test('a file name that leads out of the folder is refused', async () => {
    server
      .on(getData, () => ({ ...data, fileCount: 1, totalSize: 1 }))
      .on(listDataFiles, () => ({ ...noMore, items: [{ id: id(20), name: '../evil', size: 1, digest: 'sha256:0' }] }))
      .on(getDataFile, ({ response }) => void response.end('x'));
    const into = join(cli.folder, 'out');
    expect(await cli.run(['data', 'download', '3', '--into', into])).toMatchObject({ exitCode: 1, err: expect.stringContaining('leads out of the folder') });
    await expect(stat(join(cli.folder, 'evil'))).rejects.toThrow('ENOENT');
  });
});

test('data sets take ranges, and an edit keeps the types it does not name', async () => {
  const entry = (number: number) => ({ id: id(number), number, name: `d${number}`, tags: [] });
  const dataset = {
    id: id(40),
    number: 1,
    name: 'digits',
    memo: '',
    flat: false,
    locked: true,
    entryCount: 2,
    createdAt: at,
    createdBy: person,
    entries: { training: [entry(50)], testing: [entry(51)], validation: [] },
    flatEntries: [],
  };
  server
    .on(createDataset, () => dataset)
    .on(getDataset, () => dataset)
    .on(updateDataset, () => dataset);
  expect((await cli.run(['dataset', 'create', 'digits', '--training', '1-3,7', '--testing', '#8', '--testing', '9'])).out).toContain('For training: #50 d50');
  expect(server.calls.at(-1)?.body).toMatchObject({ entries: { training: ['1', '2', '3', '7'], testing: ['#8', '9'], validation: [] } });
  await cli.run(['dataset', 'edit', '1', '--validation', '4']);
  expect(server.calls.at(-1)?.body).toEqual({ entries: { training: [id(50)], testing: [id(51)], validation: ['4'] } });
});

describe('runs', () => {
  const logEvents = (text: string): string =>
    `event: log\nid: 1:${text.length}\ndata: ${JSON.stringify({ attempt: 1, offset: text.length, bytes: btoa(text) })}\n\nevent: end\ndata: {}\n\n`;

  const submitted = (): unknown => server.calls.findLast((call) => call.route === 'task.start')?.body;

  test('a command after -- goes as a list, resources and the rest as asked', async () => {
    server.on(startTask, () => run).on(getWaiting, () => ({ waiting: null }));
    const options = ['--cpu', '0.5', '--memory', '2G', '--gpus', '1', '--env', 'A=b=c', '--time-limit', '2m', '--priority', '-5', '--tag', 'x'];
    const { out } = await cli.run(['task', 'run', ...options, '--', 'ls', '--json', '-l']);
    expect(out).toContain('task-12 is submitted.');
    expect(submitted()).toEqual({
      name: 'ls',
      memo: '',
      tags: ['x'],
      command: ['ls', '--json', '-l'],
      environment: { A: 'b=c' },
      image: 'host',
      resources: { cpu: 0.5, memory: 2e9, gpus: 1 },
      timeLimitSeconds: 120,
      priority: -5,
    });
    const waiting = { reason: 'never-fits' as const, message: 'Too large for every node.', ahead: 0, asked: run.resources, limit: null, heldBy: [] };
    server.on(getWaiting, () => ({ waiting }));
    const { err } = await cli.run(['task', 'run', '--script', 'date; ls', '--name', 'two']);
    expect(submitted()).toMatchObject({ name: 'two', command: 'date; ls' });
    expect(err).toBe('task-12 is waiting: Too large for every node.\n');
  });

  test('a training names data set, code and parents', async () => {
    server.on(startTraining, () => ({ ...run, kind: 'training' as const }));
    await cli.run([
      'training',
      'run',
      '--dataset',
      '1',
      '--repository',
      'digits',
      '--parent',
      '3,5',
      '--parent',
      'training-7',
      '--json',
      '--',
      'node',
      'train.mjs',
    ]);
    expect(server.calls.at(-1)?.body).toMatchObject({ name: 'digits', dataset: '1', git: { repository: 'digits' }, parents: ['3', '5', 'training-7'] });
  });

  test.each([
    ['succeeded', 0, 0],
    ['failed', 7, 1],
    ['cancelled', null, 2],
  ] as const)('--follow shows the log and exits as the run: %s', async (state, exitCode, expected) => {
    let looks = 0;
    server
      .on(startTask, () => run)
      .on(getWaiting, () => ({ waiting: null }))
      .on(followLog, ({ response }) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(logEvents('hello\n')))
      .on(getRun, () => ({ ...details, state: (looks += 1) > 2 ? state : ('finishing' as const), exitCode }));
    const outcome = await cli.run(['task', 'run', '--follow', '--', 'x']);
    expect(outcome).toMatchObject({ exitCode: expected, out: 'hello\n' });
    expect(outcome.err).toContain(`task-12 ${state}`);
    const lines = (await cli.run(['task', 'run', '-f', '--json', '--', 'x'])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { attempt: 1, offset: 6, bytes: btoa('hello\n') },
      { number: 12, state },
    ]);
    expect((await cli.run(['run', 'wait', 'task-12'])).exitCode).toBe(expected);
  });

  test('Ctrl-C while following leaves the run alone and says so', async () => {
    const interrupt = new AbortController();
    server.on(
      followLog,
      ({ response }) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(logEvents('hello').split('event: end')[0] ?? ''),
    );
    const outcome = await cli.run(['run', 'log', 'task-12', '--follow'], { signal: interrupt.signal, onOut: () => interrupt.abort(new Error('interrupted')) });
    expect(outcome).toMatchObject({ exitCode: 130, out: 'hello' });
    expect(outcome.err).toContain('task-12 goes on');
    expect(server.calls.map((call) => call.route)).not.toContain('runs.stop');
  });

  test('the log comes as it was written', async () => {
    server.on(getLog, ({ response }) => void response.end(Buffer.from('\u001b[31mred\u001b[0m\n')));
    expect((await cli.run(['run', 'log', 'task-12', '--attempt', '2', '--offset', '-100'])).out).toBe('\u001b[31mred\u001b[0m\n');
    expect(server.calls.at(-1)?.query).toEqual({ attempt: 2, offset: -100 });
    expect(JSON.parse((await cli.run(['run', 'log', 'task-12', '--json'])).out)).toEqual({ bytes: btoa('\u001b[31mred\u001b[0m\n') });
  });

  test('lists of a kind and numbers under a kind', async () => {
    server.on(listRuns, () => ({ ...noMore, items: [run] })).on(getRun, () => details);
    expect((await cli.run(['task', 'list', '--state', 'running', '--favourite'])).out).toContain('1 h 00 min');
    expect(server.calls.at(-1)?.query).toMatchObject({ kind: ['task'], state: ['running'], favourite: true });
    expect((await cli.run(['task', 'show', '12'])).out).toContain(`Command:   node -e 'console.log('\\''a b'\\'')'`);
    expect(server.calls.at(-1)?.params).toMatchObject({ run: 'task-12' });
  });

  test('why tells what a run waits for', async () => {
    const waiting = { reason: 'capacity' as const, message: '2 CPU asked, 1 free.', ahead: 3, asked: run.resources, limit: null, heldBy: ['task-11'] };
    server.on(getRun, () => ({ ...details, state: 'queued' as const })).on(getWaiting, () => ({ waiting }));
    const { out } = await cli.run(['run', 'why', 'task-12']);
    expect(out).toContain('2 CPU asked, 1 free.');
    expect(out).toContain('task-11');
  });

  test('outputs are fetched as a tree', async () => {
    const file = (name: string) => ({ name, kind: 'file' as const, size: 1, modifiedAt: null, digest: null, below: null });
    server
      .on(listOutputs, ({ query }) => {
        const items = [file('a'), { ...file('sub'), kind: 'folder' as const, size: null }];
        // Page by page, whatever was asked for.
        const at = query.cursor === undefined ? 0 : Number(query.cursor);
        return { items: items.slice(at, at + 1), nextCursor: at + 1 < items.length ? String(at + 1) : null, total: { count: items.length, exact: true } };
      })
      .on(searchOutputs, ({ query }) => {
        if (query.path === 'nothing' || query.path === 'a') throw new SodateError('not-found', { thing: 'folder', reference: query.path });
        expect(query.text).toBeUndefined();
        const items = [file('a'), { ...file('sub'), kind: 'folder' as const, size: null }, file('sub/b')];
        const at = query.cursor === undefined ? 0 : Number(query.cursor);
        return { items: items.slice(at, at + 1), nextCursor: at + 1 < items.length ? String(at + 1) : null };
      })
      .on(previewOutput, ({ query }) => {
        if (query.path === 'a') return { kind: 'text' as const, size: 1, cut: false, encoding: 'utf-8', text: 'a\u001b[31m' };
        throw new SodateError('not-found', { thing: 'output file', reference: query.path });
      })
      .on(archiveOutputs, ({ query, response }) => void response.end(`zip of ${query.path}`))
      .on(getOutput, ({ query, response }) => void response.end(query.path.at(-1)));
    const into = join(cli.folder, 'all');
    expect(await cli.run(['run', 'download', 'task-12', '--into', into])).toMatchObject({ exitCode: 0, out: `2 files (2 B) are in ${into}.\n` });
    expect(await readFile(join(into, 'sub/b'), 'utf8')).toBe('b');
    expect(await cli.run(['run', 'download', 'task-12', 'nothing'])).toMatchObject({ exitCode: 1, err: expect.stringContaining('holds no files at nothing') });
    expect(await cli.run(['run', 'download', 'task-12', 'a', '--into', into])).toMatchObject({ exitCode: 0, out: `1 file (1 B) are in ${into}.\n` });
    const zip = join(cli.folder, 'out.zip');
    expect(await cli.run(['run', 'download', 'task-12', 'sub/', '--zip', '--into', zip])).toMatchObject({ exitCode: 0, out: `${zip} has 10 B.\n` });
    expect(await readFile(zip, 'utf8')).toBe('zip of sub');
    expect((await cli.run(['run', 'preview', 'task-12', 'a'])).out).toBe('a [31m\n(utf-8) (1 B)\n');
    expect((await cli.run(['run', 'outputs', 'task-12'])).out).toMatch(/^NAME +SIZE +CHANGED\na +1 B +-\nsub\/ +- +-$/m);
  });

  test('files are attached with their digest, listed, fetched and detached', async () => {
    const sent: string[] = [];
    const attachment = { name: 'notes.txt', kind: 'file' as const, size: 5, modifiedAt: at, attachedBy: person, attachedAt: at, digest: null };
    server
      .on(attachFile, ({ query, bytes }) => {
        sent.push(`${query.name} ${query.digest} ${bytes.toString()}`);
        return attachment;
      })
      .on(listAttachments, () => ({ ...noMore, items: [attachment, { ...attachment, name: 'job.log', attachedBy: null, attachedAt: null }] }))
      .on(getAttachment, ({ query, response }) => void response.end(query.name))
      .on(detachFile, ({ query }) => void sent.push(`detached ${query.name}`));
    const file = join(cli.folder, 'own.txt');
    await writeFile(file, 'hello');
    expect(await cli.run(['run', 'attach', 'task-12', file, '--name', 'notes.txt'])).toMatchObject({
      exitCode: 0,
      out: 'notes.txt (5 B) is attached to task-12.\n',
    });
    expect(await cli.run(['run', 'attach', 'task-12', cli.folder])).toMatchObject({ exitCode: 1, err: expect.stringContaining('is not a file') });
    const { out } = await cli.run(['run', 'attachments', 'task-12']);
    expect(out).toMatch(/notes\.txt +5 B +ann/);
    expect(out).toMatch(/job\.log +5 B +the job/);
    expect(await cli.run(['run', 'attachments', 'task-12', '--fetch', 'job.log', '--into', join(cli.folder, 'into')])).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(cli.folder, 'into/job.log'), 'utf8')).toBe('job.log');
    expect(await cli.run(['run', 'detach', 'task-12', 'notes.txt'])).toMatchObject({ exitCode: 0 });
    expect(sent).toEqual(['notes.txt sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 hello', 'detached notes.txt']);
  });
});

test('lineage is drawn as a tree, each thing with its ancestors once', async () => {
  const node = (kind: 'run' | 'data' | 'dataset', number: number, label: string, deleted = false) => ({ kind, id: id(number), label, deleted });
  const nodes = [node('run', 3, 'inference-1'), node('run', 60, 'training-1'), node('dataset', 61, '#1 digits'), node('data', 62, '#1 cats', true)];
  const edge = (to: number, from: number, relation: string) => ({ relation, createdAt: at, from: nodes[from] ?? nodes[0]!, to: nodes[to] ?? nodes[0]! });
  server
    .on(getRun, () => details)
    .on(getLineage, () => ({ nodes, edges: [edge(0, 1, 'parent'), edge(1, 2, 'input'), edge(0, 2, 'input'), edge(2, 3, 'contains')], truncated: false }));
  expect((await cli.run(['lineage', 'show', 'run', 'inference-1'])).out).toBe(
    'inference-1\n├─ parent: training-1\n│  └─ input: data set #1 digits\n│     └─ contains: data #1 cats (deleted)\n└─ input: data set #1 digits (see above)\n',
  );
});

import { type Answer, exchange, type RequestParts } from '#api-tests/exchange.ts';
import { makeTenantThings } from '#api-tests/tenant-things.ts';
import { openTestPlatform, type Person, useTestPlatform } from '#api-tests/test-platform.ts';
import { newLabel } from '#content/content-address.ts';
import { sweepOpenings } from '#content/opening-store.ts';
import { systemClock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { SESSION_COOKIE } from '#kit/http/bind-route.ts';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const opened = useTestPlatform();
const held: { run?: { id: string; name: string }; folder?: string } = {};
const run = (): string => held.run?.id ?? '';

const REPORT = '<!doctype html><link rel="stylesheet" href="../style.css"><script src="app.js"></script><p>report</p>';

beforeAll(async () => {
  const p = opened();
  const things = makeTenantThings(p, 'alpha', p.member.secret);
  const task = await things.endedTask();
  held.run = { id: task.id, name: `task-${task.number}` };
  const folder = path.join(p.home.folder, 'runs', task.id, 'output');
  held.folder = folder;
  await mkdir(path.join(folder, 'report'), { recursive: true });
  await mkdir(path.join(folder, 'empty'));
  await mkdir(path.join(p.home.folder, 'runs', task.id, 'attach'), { recursive: true });
  const files: Record<string, string | Buffer> = {
    'style.css': 'p { color: red }',
    'report/index.html': REPORT,
    'report/app.js': 'document.title = "ran"',
    'report/日本 #1?.html': '<meta charset="shift_jis"><p>',
    'numbers.bin': Buffer.from('0123456789'),
    'plain.log': 'a log <b>',
    'figure.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    'paper.pdf': '%PDF-1.4',
    'work.ipynb': JSON.stringify({ nbformat: 4, cells: [{ cell_type: 'code', source: 'x = 1' }] }),
    'nothing.html': '',
    [`name\u202e<b>.txt`]: 'x',
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(folder, name), bytes);
  await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff, 0x2e, 0x74, 0x78, 0x74])]), 'odd bytes');
  await writeFile(path.join(p.home.folder, 'runs', task.id, 'attach', 'note.html'), '<p>attached');
  await symlink('/etc/passwd', path.join(folder, 'passwd'));
  await symlink('/etc', path.join(folder, 'etc'));
  await symlink(path.join(p.home.folder, 'key'), path.join(folder, 'report', 'key'));
});

interface Visit {
  readonly url: URL;
  readonly cookie: string;
}

const open = (secret: string, body: unknown, tenant = 'alpha', more?: Partial<RequestParts>): Promise<Answer> =>
  opened().ask(secret, 'POST', `/v1/tenants/${tenant}/content`, body, more);
const go = (url: URL, more: Partial<RequestParts> = {}): Promise<Answer> =>
  exchange(opened().url, { method: 'GET', path: url.pathname + url.search, ...more, headers: { host: url.host, ...more.headers } });
const cookiesOf = (answer: Answer): string =>
  [answer.headers['set-cookie'] ?? []]
    .flat()
    .map((line) => line.split(';')[0])
    .join('; ');

/** Opens it and follows the ticket, as a browser does. */
async function visit(secret: string, body: unknown, tenant?: string): Promise<Visit> {
  const { body: opening, status, text } = await open(secret, body, tenant);
  expect([status, text]).toEqual([201, expect.anything()]);
  const url = new URL(opening.url);
  const first = await go(url);
  expect(first.status).toBe(303);
  expect(first.headers['location']).toBe(url.pathname);
  return { url: new URL(url.pathname, url), cookie: cookiesOf(first) };
}
const output = (at = ''): object => ({ kind: 'output', run: run(), path: at });
const read = ({ url, cookie }: Visit, at?: string, more: Partial<RequestParts> = {}): Promise<Answer> =>
  exchange(opened().url, { method: 'GET', path: at ?? url.pathname, ...more, headers: { host: url.host, cookie, ...more.headers } });
const expectEnded = (answer: Answer): void => {
  expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined]);
  expect(answer.text).toContain('opened again');
};

describe('an address', () => {
  it('is of a host of its own, and works once', async () => {
    const { body } = await open(opened().viewer.secret, output('report/index.html'));
    const url = new URL(body.url);
    expect(url.host).toMatch(new RegExp(`^[a-z2-7]{26}\\.run\\.localhost:${new URL(opened().url).port}$`));
    expect(url.pathname).toBe('/report/index.html');
    const first = await go(url);
    expect(first.status).toBe(303);
    expect(first.headers['cache-control']).toContain('no-store');
    expectEnded(await go(url));
    // In the browser that has the key the same address goes on working, as after a step back.
    const again = await go(url, { headers: { cookie: cookiesOf(first) } });
    expect([again.status, again.headers['location'], again.headers['set-cookie']]).toEqual([303, '/report/index.html', undefined]);
  });

  it('works once however many come at the same time', async () => {
    const { body } = await open(opened().viewer.secret, output());
    const answers = await Promise.all(Array.from({ length: 20 }, () => go(new URL(body.url))));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([303, ...Array.from({ length: 19 }, () => 403)]);
  });

  it('is stored in no form that opens it', async () => {
    const { body } = await open(opened().viewer.secret, output());
    const ticket = new URL(body.url).searchParams.get('ticket') ?? 'none';
    const first = await go(new URL(body.url));
    const rows = JSON.stringify(await opened().database.db.selectFrom('content_openings').selectAll().execute());
    expect(rows).not.toContain(ticket);
    expect(rows).not.toContain(cookiesOf(first).split('=')[1]);
  });

  it('is not used up by what only looks', async () => {
    const { body } = await open(opened().viewer.secret, output());
    const url = new URL(body.url);
    expect((await go(url, { method: 'HEAD' })).status).toBe(403);
    for (const headers of [{ purpose: 'prefetch' }, { 'sec-purpose': 'prefetch;prerender' }] as const) expectEnded(await go(url, { headers }));
    expect((await go(url)).status).toBe(303);
  });

  it('ends soon, and with it what nobody came for', async () => {
    const { db } = opened().database;
    const { body } = await open(opened().viewer.secret, output());
    const label = new URL(body.url).host.split('.')[0] ?? '';
    const stored = () => db.selectFrom('content_openings').select('id').where('label', '=', label).execute();
    const minutes = (new Date(body.ticketExpiresAt).getTime() - systemClock.now().getTime()) / 60_000;
    expect(minutes).toBeGreaterThan(0);
    expect(minutes).toBeLessThan(10);
    await db
      .updateTable('content_openings')
      .set({ ticket_expires_at: new Date(0) })
      .where('label', '=', label)
      .execute();
    expectEnded(await go(new URL(body.url)));
    expect(await stored()).toHaveLength(1);
    await sweepOpenings(db, new Date());
    expect(await stored()).toHaveLength(0);
  });

  it('is another one each time, and the key of one opens no other', async () => {
    const [one, other] = [await visit(opened().viewer.secret, output()), await visit(opened().viewer.secret, output())];
    expect(one.url.host).not.toBe(other.url.host);
    expectEnded(await read({ url: one.url, cookie: other.cookie }));
    expect((await read({ url: one.url, cookie: `${other.cookie}; ${one.cookie}` })).status).toBe(200);
  });

  it('is not made for what is not there, or is another tenant’s', async () => {
    const p = opened();
    const foreign = makeTenantThings(p, 'beta', p.foreigner.secret);
    const { data, file } = await foreign.dataWithFile();
    expect(file).toBeTruthy();
    const theirs = await foreign.endedTask();
    for (const body of [
      output('none.html'),
      output('report/none'),
      output('passwd'),
      output('etc'),
      output('etc/passwd'),
      { kind: 'output', run: theirs.id },
      { kind: 'attachments', run: theirs.id },
      { kind: 'output', run: 'task-99999' },
      { kind: 'data', data: data.id },
      { kind: 'data', data: String(data.number) },
    ]) {
      const answer = await open(p.member.secret, body);
      expect([body, answer.status, answer.body.code]).toEqual([body, 404, 'not-found']);
    }
    for (const body of [output('../x'), output('/etc'), output('a\u0000'), { kind: 'upstream', run: run() }, { kind: 'output' }])
      expect((await open(p.member.secret, body)).body.code).toBe('invalid-request');
    expect((await open(p.foreigner.secret, output())).status).toBe(404);
    expect((await opened().ask(null, 'POST', '/v1/tenants/alpha/content', output())).status).toBe(401);
  });

  it('is refused, and says what to do, where no name of this machine leads to a browser', async () => {
    const { body, status } = await open(opened().viewer.secret, output(), 'alpha', { headers: { host: `192.168.1.7:${new URL(opened().url).port}` } });
    expect([status, body.code]).toEqual([409, 'content-host-needed']);
    expect(body.message).toContain('SODATE_CONTENT_HOST');
  });
});

describe('what is opened', () => {
  it('finds what lies beside it', async () => {
    const report = await visit(opened().viewer.secret, output('report'));
    expect(report.url.pathname).toBe('/report/');
    const page = await read(report);
    expect([page.status, page.text, page.headers['content-type']]).toEqual([200, REPORT, 'text/html; charset=utf-8']);
    expect((await read(report, '/style.css')).headers['content-type']).toBe('text/css; charset=utf-8');
    expect((await read(report, '/report/app.js?v=2')).text).toContain('ran');
    const folder = await read(report, '/report');
    expect([folder.status, folder.headers['location']]).toEqual([302, './report/']);
  });

  it.each([
    ['plain.log', 'text/plain; charset=utf-8'],
    ['figure.svg', 'image/svg+xml'],
    ['numbers.bin', 'application/octet-stream'],
    ['paper.pdf', 'application/pdf'],
    ['nothing.html', 'text/html; charset=utf-8'],
    ['report/日本 #1?.html', 'text/html'],
  ])('is what its name says: %s', async (name, type) => {
    const there = await visit(opened().viewer.secret, output(name));
    const { headers, status } = await read(there);
    expect([status, headers['content-type'], headers['x-content-type-options']]).toEqual([200, type, 'nosniff']);
    expect(headers['content-disposition'] === undefined).toBe(type !== 'application/octet-stream');
  });

  it('is a page for whoever goes to a notebook, and its bytes for whoever fetches it', async () => {
    const there = await visit(opened().viewer.secret, output('work.ipynb'));
    const page = await read(there, undefined, { headers: { accept: 'text/html,*/*' } });
    expect([page.headers['content-type'], page.text]).toEqual(['text/html; charset=utf-8', expect.stringContaining('<pre>x = 1</pre>')]);
    expect((await read(there)).body.nbformat).toBe(4);
  });

  it('is a plain list where there is no index.html, without a link out of it', async () => {
    const there = await visit(opened().viewer.secret, output());
    const { text, headers } = await read(there);
    expect(text).toContain('<a href="./report/">report/</a>');
    expect(text).toContain('<a href="./f%FF.txt">');
    expect(text).toContain('name\ufffd&#60;b&#62;.txt');
    expect(text).not.toMatch(/href="[^"]*(passwd|etc)/);
    expect(text).toContain('passwd');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect((await read(there, '/f%FF.txt')).text).toBe('odd bytes');
    expect((await read(there, '/empty/')).status).toBe(200);
  });

  it.each([
    '/passwd',
    '/etc/passwd',
    '/etc/',
    '/report/key',
    '/../output/style.css',
    '/%2e%2e/%2e%2e/key',
    '/..%2f..%2fkey',
    '/report/..%2fstyle.css',
    '//style.css',
    '/%00',
    '/style.css/',
    '/style.css/x',
    '/nothing',
    '/v1/me',
    '/v1/health',
    '/assets/app.js',
    '/api/2.0/mlflow/experiments/search',
  ])('is nothing else: %s', async (at) => {
    const there = await visit(opened().viewer.secret, output());
    const answer = await read(there, at);
    expect([answer.status, answer.text.includes('nothing here')]).toEqual([404, true]);
  });

  it('comes in ranges', async () => {
    const there = await visit(opened().viewer.secret, output('numbers.bin'));
    const range = (value: string, method = 'GET') => read(there, undefined, { method, headers: { range: value } });
    expect(await range('bytes=2-4')).toMatchObject({ status: 206, text: '234', headers: { 'content-range': 'bytes 2-4/10', 'content-length': '3' } });
    expect(await range('bytes=-3')).toMatchObject({ status: 206, text: '789' });
    expect(await range('bytes=10-')).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */10' } });
    expect(await read(there, undefined, { method: 'HEAD' })).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-length': '10', 'accept-ranges': 'bytes' },
    });
  });

  it('may be attachments, and the files of a data', async () => {
    const p = opened();
    expect((await read(await visit(p.viewer.secret, { kind: 'attachments', run: held.run?.name, path: 'note.html' }))).text).toBe('<p>attached');
    const data = (await p.must(p.member.secret, 'POST', '/v1/tenants/alpha/data', { name: 'pages' })).body;
    const names = ['a.html', 'a/b/c.html', 'a/index.html', 'a-b.txt', 'z.txt'];
    const head = Buffer.from(JSON.stringify({ files: names.map((name) => ({ name, size: 3 })) }));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(head.length);
    await p.must(p.member.secret, 'POST', `/v1/tenants/alpha/data/${data.id}/files`, Buffer.concat([length, head, Buffer.from('xyz'.repeat(names.length))]));
    const there = await visit(p.viewer.secret, { kind: 'data', data: String(data.number) });
    const list = (await read(there)).text;
    expect([...list.matchAll(/href="\.\/([^"]*)"/g)].map((match) => match[1])).toEqual(['a-b.txt', 'a.html', 'a/', 'z.txt']);
    expect((await read(there, '/a/b/c.html')).text).toBe('xyz');
    expect((await read(there, '/a/')).text).toBe('xyz');
    expect((await read(there, '/a/b/')).text).toContain('href="./c.html"');
    expect((await read(there, '/a/b/?after=c.html')).text).not.toContain('href="./c.html"');
    expect((await read(there, '/?after=a-b.txt')).text).toContain('href="./a.html"');
    expect((await read(there, '/?after=a%2F')).text).not.toContain('a.html');
    expect((await read(there, '/a/none/')).status).toBe(404);
    expect((await read(there, '/a.html', { headers: { range: 'bytes=1-1' } })).text).toBe('y');
  });

  it('is under rules that keep it from using whoever looks at it', async () => {
    const there = await visit(opened().viewer.secret, output('report/index.html'));
    const { headers } = await read(there);
    const policy = new Map(
      String(headers['content-security-policy'])
        .split('; ')
        .map((part) => [part.split(' ')[0], part]),
    );
    expect(policy.get('connect-src')).toBe(`connect-src 'self' ws://${there.url.host} data: blob:`);
    expect(policy.get('form-action')).toBe("form-action 'self'");
    expect(policy.get('frame-ancestors')).toBe(`frame-ancestors 'self' ${opened().url}`);
    expect(policy.get('sandbox')).toBe('sandbox allow-scripts allow-same-origin allow-forms allow-downloads');
    expect(headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'private, no-store' });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await read(await visit(opened().viewer.secret, output('paper.pdf')))).headers['content-security-policy']).not.toContain('sandbox');
  });
});

describe('an opening ends', () => {
  const fresh = async (roles: Readonly<Record<string, 'viewer'>> = { alpha: 'viewer' }): Promise<Person> =>
    opened().makePerson(`eva${Math.random().toString(36).slice(2, 8)}`, roles);

  it('when the person signs out, and not when they do so elsewhere', async () => {
    const person = await fresh();
    const elsewhere = (await opened().must(null, 'POST', '/v1/session', { name: person.name, password: person.password, keep: 'token' })).body.token;
    const [here, there] = [await visit(person.secret, output('plain.log')), await visit(elsewhere, output('plain.log'))];
    await opened().must(person.secret, 'DELETE', '/v1/session');
    expectEnded(await read(here));
    expect((await read(there)).status).toBe(200);
  });

  it('when the token it was opened by is revoked', async () => {
    const person = await fresh();
    const token = await opened().makeToken(person, 'alpha');
    const there = await visit(token.secret, output('plain.log'));
    expect((await read(there)).status).toBe(200);
    await opened().must(person.secret, 'DELETE', `/v1/tenants/alpha/tokens/${token.id}`);
    expectEnded(await read(there));
  });

  it('when the person leaves the tenant', async () => {
    const person = await fresh();
    const there = await visit(person.secret, output('plain.log'));
    await opened().must(opened().systemAdmin.secret, 'DELETE', `/v1/tenants/alpha/members/${person.name}`);
    expectEnded(await read(there));
  });

  it('when the person may not work here any more', async () => {
    const person = await fresh();
    const token = await opened().makeToken(person, 'alpha');
    const there = await visit(token.secret, output('plain.log'));
    await opened().must(opened().systemAdmin.secret, 'PATCH', `/v1/users/${person.name}`, { disabled: true });
    expectEnded(await read(there));
  });

  it('when the thing is deleted', async () => {
    const things = makeTenantThings(opened(), 'alpha', opened().member.secret);
    const [task, data] = [await things.endedTask(), await things.data()];
    const visits = [
      await visit(opened().viewer.secret, { kind: 'output', run: task.id }),
      await visit(opened().viewer.secret, { kind: 'data', data: data.id }),
    ];
    for (const each of visits) expect((await read(each)).status).toBe(200);
    await opened().must(opened().member.secret, 'DELETE', `/v1/tenants/alpha/runs/${task.id}`);
    await opened().must(opened().member.secret, 'DELETE', `/v1/tenants/alpha/data/${data.id}`);
    for (const each of visits) expectEnded(await read(each));
  });

  it('after some hours', async () => {
    const there = await visit(opened().viewer.secret, output('plain.log'));
    const { db } = opened().database;
    await db
      .updateTable('content_openings')
      .set({ expires_at: new Date() })
      .where('label', '=', there.url.host.split('.')[0] ?? '')
      .execute();
    expectEnded(await read(there));
  });

  it('with a page in the language of the reader', async () => {
    const there = await visit(opened().viewer.secret, output());
    expect((await read({ ...there, cookie: '' }, '/', { headers: { 'accept-language': 'ja,en;q=0.5' } })).text).toContain('開き直す必要があります');
  });

  it('when the person has opened very many since', async () => {
    const person = await fresh();
    const first = await visit(person.secret, output('plain.log'));
    const { db } = opened().database;
    const later = (days: number): Date => new Date(systemClock.now().getTime() + days * 86_400_000);
    const rows = Array.from({ length: 199 }, (_, index) => ({ id: newId<string>(), label: newLabel(), created_at: later(index) }));
    const copied = await db
      .selectFrom('content_openings')
      .selectAll()
      .where('label', '=', first.url.host.split('.')[0] ?? '')
      .executeTakeFirstOrThrow();
    await db
      .insertInto('content_openings')
      .values(rows.map((row) => ({ ...copied, ...row })))
      .execute();
    expect((await read(first)).status).toBe(200);
    await visit(person.secret, output('plain.log'));
    expectEnded(await read(first));
  });
});

describe('two kinds of hosts', () => {
  const session = (): string => `${SESSION_COOKIE}=${opened().systemAdmin.secret}`;
  const port = (): string => new URL(opened().url).port;
  const LABEL = 'abcdefghijklmnopqrstuvwxyz';
  const isPlatform = ({ headers, text }: Answer): boolean => /json|<title>pages/.test(`${String(headers['content-type'])} ${text}`);

  it.each([
    ['a label', (p: string) => `${LABEL}.run.localhost:${p}`],
    ['in capitals', (p: string) => `${LABEL.toUpperCase()}.RUN.LOCALHOST:${p}`],
    ['without a port', () => `${LABEL}.run.localhost`],
    ['with another port', () => `${LABEL}.run.localhost:1`],
    ['with a dot at the end', (p: string) => `${LABEL}.run.localhost.:${p}`],
    ['without a label', (p: string) => `run.localhost:${p}`],
    ['with two labels', (p: string) => `x.${LABEL}.run.localhost:${p}`],
  ])('a content host never reaches the platform: %s', async (_what, host) => {
    const wrong: string[] = [];
    for (const at of [
      '/',
      '/v1/health',
      '/v1/me',
      '/v1/openapi.json',
      '/assets/app.js',
      '/api/2.0/mlflow/experiments/search',
      `http://127.0.0.1:${port()}/v1/health`,
    ])
      for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE'])
        for (const more of [{}, { 'x-forwarded-host': `127.0.0.1:${port()}`, forwarded: `host=127.0.0.1:${port()}` }] as const) {
          const answer = await exchange(opened().url, {
            method,
            path: at,
            headers: { host: host(port()), cookie: session(), authorization: `Bearer ${opened().systemAdmin.secret}`, ...more },
          });
          if (answer.status < 400 || isPlatform(answer)) wrong.push(`${method} ${at}: ${answer.status} ${answer.text.slice(0, 100)}`);
        }
    expect(wrong).toEqual([]);
  });

  it('the platform serves no content, however it is asked', async () => {
    const there = await visit(opened().viewer.secret, output('report/index.html'));
    for (const [host, at] of [
      [`127.0.0.1:${port()}`, '/report/index.html'],
      [`localhost:${port()}`, '/style.css'],
    ] as const) {
      const answer = await exchange(opened().url, { method: 'GET', path: at, headers: { host, cookie: there.cookie, 'x-forwarded-host': there.url.host } });
      expect([answer.status === 200 ? answer.text : answer.body?.code]).toEqual(['<!doctype html><title>pages</title>']);
    }
    // An absolute address that names a content host goes there, and is refused for naming two.
    const both = await exchange(opened().url, {
      method: 'GET',
      path: `http://${there.url.host}/v1/health`,
      headers: { host: `127.0.0.1:${port()}`, cookie: session() },
    });
    expect([both.status, isPlatform(both)]).toEqual([400, false]);
  });

  it('two names in one request are refused where one of them is for content', async () => {
    const there = await visit(opened().viewer.secret, output('plain.log'));
    for (const hosts of [
      [there.url.host, `127.0.0.1:${port()}`],
      [`127.0.0.1:${port()}`, there.url.host],
    ]) {
      const text = await raw(
        `GET /plain.log HTTP/1.1\r\n${hosts.map((host) => `Host: ${host}\r\n`).join('')}Cookie: ${there.cookie}; ${session()}\r\nConnection: close\r\n\r\n`,
      );
      expect(text).toMatch(/^HTTP\/1\.1 400 /);
      expect(text).not.toContain('a log');
    }
  });

  it('names nobody has are answered plainly', async () => {
    const answer = await exchange(opened().url, { method: 'GET', path: '/', headers: { host: 'nobody.example' } });
    expect([answer.status, answer.body.code]).toEqual([403, 'host-not-allowed']);
  });

  /** What a server says to exactly these bytes until it closes. */
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port()), '127.0.0.1', () => void socket.write(bytes, 'latin1'));
      const chunks: Buffer[] = [];
      socket
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => resolve(Buffer.concat(chunks).toString('latin1')))
        .on('error', reject);
    });

  it('a wish for another protocol is passed over, with the body that came along', async () => {
    const { member } = opened();
    const body = JSON.stringify({ name: 'wished for' });
    const answer = await raw(
      `POST /v1/tenants/alpha/data HTTP/1.1\r\nHost: 127.0.0.1:${port()}\r\nAuthorization: Bearer ${member.secret}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
        `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n${body}GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:${port()}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 201 [\s\S]*"wished for"[\s\S]*HTTP\/1\.1 200 [\s\S]*"status":"ok"/);
  });
});

describe('a page that was opened', () => {
  const asPage = async (method: string, at: string, headers: Readonly<Record<string, string>>, body?: unknown): Promise<Answer> =>
    opened().ask(null, method, at, body, { headers: { cookie: `${SESSION_COOKIE}=${opened().systemAdmin.secret}`, ...headers } });

  it('gets nothing of the platform by its origin, not even events, nor on an upgrade', async () => {
    const there = await visit(opened().viewer.secret, output());
    const origin = there.url.origin;
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' };
    for (const [method, at, more] of [
      ['GET', '/v1/me', {}],
      ['POST', '/v1/tenants/alpha/data', {}],
      ['DELETE', '/v1/session', {}],
      ['GET', '/v1/tenants/alpha/events', { accept: 'text/event-stream' }],
      ['GET', '/v1/tenants/alpha/events', upgrade],
      ['GET', '/', upgrade],
    ] as const) {
      for (const site of ['same-site', 'cross-site', 'same-origin']) {
        const answer = await asPage(method, at, { origin, 'sec-fetch-site': site, ...more }, method === 'POST' ? { name: 'x' } : undefined);
        expect([method, at, answer.status, answer.body?.code]).toEqual([method, at, 403, 'origin-not-allowed']);
      }
    }
    expect((await asPage('GET', '/v1/me', {})).status).toBe(200);
  });

  it('does not ride on a cookie where browsers send no origin', async () => {
    for (const site of ['same-site', 'cross-site']) {
      for (const mode of ['no-cors', 'navigate']) {
        const answer = await asPage('GET', '/v1/me', { 'sec-fetch-site': site, 'sec-fetch-mode': mode });
        expect([site, mode, answer.status, answer.body.code]).toEqual([site, mode, 403, 'origin-not-allowed']);
      }
      // A link to a page of the platform is a link.
      expect((await asPage('GET', '/tenants/alpha', { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' })).status).toBe(200);
      expect((await opened().ask(opened().member.secret, 'GET', '/v1/me', undefined, { headers: { 'sec-fetch-site': site } })).status).toBe(200);
    }
    for (const site of ['same-origin', 'none']) expect((await asPage('GET', '/v1/me', { 'sec-fetch-site': site })).status).toBe(200);
  });

  it('is not read by pages of other origins, and writes nothing', async () => {
    const there = await visit(opened().viewer.secret, output('plain.log'));
    for (const headers of [
      { origin: opened().url },
      { origin: 'null' },
      { origin: there.url.origin.replace('http', 'https') },
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
      { 'service-worker': 'script' },
    ] as const)
      expect([headers, (await read(there, undefined, { headers })).status]).toEqual([headers, 403]);
    for (const headers of [
      { origin: there.url.origin },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' },
    ] as const)
      expect([headers, (await read(there, undefined, { headers })).status]).toEqual([headers, 200]);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) expect((await read(there, undefined, { method })).status).toBe(403);
  });
});

describe('with names of its own', () => {
  it('is below the name that was set, encrypted, and may be framed by the public address alone', async () => {
    const p = await openTestPlatform({ publicUrl: 'https://ml.example.org', contentHost: 'run.ml.example.org' });
    try {
      const things = makeTenantThings(p, 'alpha', p.member.secret);
      const task = await things.endedTask();
      const { body } = await p.must(
        p.member.secret,
        'POST',
        '/v1/tenants/alpha/content',
        { kind: 'output', run: task.id },
        { headers: { host: 'ml.example.org' } },
      );
      const url = new URL(body.url);
      expect(url.origin).toMatch(/^https:\/\/[a-z2-7]{26}\.run\.ml\.example\.org$/);
      const first = await exchange(p.url, { method: 'GET', path: url.pathname + url.search, headers: { host: url.host } });
      expect([first.headers['set-cookie']].flat().every((cookie) => /; Secure/.test(String(cookie)))).toBe(true);
      const pages = await p.ask(null, 'GET', '/', undefined, { headers: { host: 'ml.example.org' } });
      expect(pages.headers['content-security-policy']).toContain('frame-src *.run.localhost:* *.run.ml.example.org:*');
    } finally {
      await p.close();
    }
  });
});

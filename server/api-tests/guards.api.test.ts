import { EXAMPLES } from '#api-tests/example-requests.ts';
import { type Answer, exchange } from '#api-tests/exchange.ts';
import { snapshotDatabase } from '#api-tests/database-snapshot.ts';
import { makeTenantThings, type TenantThings } from '#api-tests/tenant-things.ts';
import { openTestPlatform, type TestPlatform, untilQuiet, useTestPlatform } from '#api-tests/test-platform.ts';
import { SESSION_COOKIE } from '#kit/http/bind-route.ts';
import { JSON_BODY_BYTES_LIMIT } from '#kit/http/make-http-app.ts';
import { buildPath } from '@sodate/client/build-path.ts';
import { ALL_ROUTES } from '@sodate/contract/routes.ts';
import { Agent, get, request } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';

/** What keeps foreign pages, foreign names and hostile bodies out, on every route there is. */
const opened = useTestPlatform();
const held: { things?: TenantThings; requests?: readonly { id: string; method: string; path: string; body: unknown }[] } = {};
const things = (): TenantThings => held.things as TenantThings;
const requests = () => held.requests ?? [];
const port = (): string => new URL(opened().url).port;

beforeAll(async () => {
  const p = opened();
  held.things = makeTenantThings(p, 'alpha', p.member.secret);
  const made: { id: string; method: string; path: string; body: unknown }[] = [];
  for (const route of ALL_ROUTES) {
    const example = (await EXAMPLES[route.id]?.(things(), p)) ?? {};
    made.push({ id: route.id, method: route.method, path: buildPath(route.path, example.params ?? {}, example.query ?? {}), body: example.body });
  }
  made.push({ id: 'a page', method: 'GET', path: '/', body: undefined }, { id: 'an asset', method: 'GET', path: '/assets/app.js', body: undefined });
  made.push(
    { id: 'the description', method: 'GET', path: '/v1/openapi.json', body: undefined },
    { id: 'nothing', method: 'GET', path: '/v1/nothing', body: undefined },
  );
  held.requests = made;
});

/** As a system admin with a cookie, which is what a foreign page would ride on. */
const asBrowser = (p: TestPlatform, method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer> =>
  p.ask(null, method, path, body, { headers: { cookie: `${SESSION_COOKIE}=${p.systemAdmin.secret}`, ...headers } });

async function expectAllRefused(headers: Record<string, string>, code: string): Promise<void> {
  await untilQuiet(opened());
  const before = await snapshotDatabase(opened().database.db);
  const wrong: string[] = [];
  for (const { id, method, path, body } of requests()) {
    for (const each of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
      const answer = await asBrowser(opened(), each, path, body, headers);
      if (answer.status !== 403 || (each !== 'HEAD' && answer.body?.code !== code)) wrong.push(`${id} ${each}: ${answer.status} ${answer.text.slice(0, 100)}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(await snapshotDatabase(opened().database.db)).toEqual(before);
}

describe('the name by which the platform is called', () => {
  it.each(['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', 'evil-localhost', '0x7f000001', '127.0.0.1@evil.example'])(
    'is not %s, on any route',
    async (name) => {
      await expectAllRefused({ host: `${name}:${port()}` }, 'host-not-allowed');
    },
  );

  it('is that of this machine, or an address', async () => {
    for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '[::1]', '192.168.1.7']) {
      expect([host, (await opened().ask(null, 'GET', '/v1/health', undefined, { headers: { host: `${host}:${port()}` } })).status]).toEqual([host, 200]);
    }
  });

  it('is not taken from what a proxy is said to have seen', async () => {
    const forged = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' };
    const { body } = await opened().must(opened().systemAdmin.secret, 'POST', `/v1/users/${opened().viewer.name}/sign-in-link`, undefined, { headers: forged });
    expect(new URL(body.url).origin).toBe(opened().url);
    expect((await opened().ask(null, 'GET', '/v1/health', undefined, { headers: { ...forged, host: 'evil.example' } })).status).toBe(403);
  });
});

describe('the page that a request comes from', () => {
  it.each([
    ['another site', () => 'http://evil.example'],
    ['nobody will say', () => 'null'],
    ['another port', () => 'http://127.0.0.1:1'],
    ['another scheme', () => `https://127.0.0.1:${port()}`],
    ['another name of the same machine', () => `http://localhost:${port()}`],
    ['a name that begins alike', () => `http://127.0.0.1:${port()}.evil.example`],
    ['an empty one', () => ''],
  ])('is not %s, on any route', async (_what, origin) => {
    await expectAllRefused({ origin: origin() }, 'origin-not-allowed');
  });

  it('may be our own', async () => {
    for (const { id, method, path } of requests().filter((each) => each.method === 'GET')) {
      const answer = await asBrowser(opened(), method, path, undefined, { origin: opened().url });
      expect([id, answer.status]).toEqual([id, id === 'nothing' ? 404 : 200]);
    }
  });

  it('is asked for on an upgrade too', async () => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
      origin: 'http://evil.example',
    };
    for (const path of ['/v1/me', '/v1/tenants/alpha/events', '/']) expect((await asBrowser(opened(), 'GET', path, undefined, upgrade)).status).toBe(403);
  });

  it('is given no leave to read or to ask first', async () => {
    const wrong: string[] = [];
    for (const { id, path } of requests()) {
      for (const origin of ['http://evil.example', opened().url]) {
        const preflight = await opened().ask(null, 'OPTIONS', path, undefined, {
          headers: { origin, 'access-control-request-method': 'DELETE', 'access-control-request-headers': 'authorization' },
        });
        const leave = Object.keys(preflight.headers).filter((name) => name.startsWith('access-control'));
        if (preflight.status < 400 || leave.length > 0) wrong.push(`${id}: ${preflight.status} ${leave.join()}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('with an address of its own', () => {
  it('answers to that name and page, and keeps its cookie to encrypted connections', async () => {
    const p = await openTestPlatform({ publicUrl: 'https://ml.example.org' });
    try {
      const headers = { host: 'ml.example.org', origin: 'https://ml.example.org' };
      const answer = await p.ask(null, 'POST', '/v1/session', { name: p.member.name, password: p.member.password }, { headers });
      expect(answer.status).toBe(201);
      const [cookie = ''] = String(answer.headers['set-cookie']).split('; ');
      expect(String(answer.headers['set-cookie'])).toMatch(/^__Host-sodate_session=ses_.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
      // One without the name could be set by a page of a host below ours.
      const me = (sent: string) => p.ask(null, 'GET', '/v1/me', undefined, { headers: { ...headers, cookie: sent } });
      expect((await me(cookie)).status).toBe(200);
      expect((await me(`${SESSION_COOKIE}=${p.systemAdmin.secret}; ${cookie}`)).body.name).toBe(p.member.name);
      expect((await me(`${SESSION_COOKIE}=${p.systemAdmin.secret}`)).status).toBe(401);
      expect((await p.ask(null, 'GET', '/v1/health', undefined, { headers: { host: 'ml.example.org.evil.example' } })).status).toBe(403);
      expect((await p.ask(null, 'GET', '/v1/health', undefined, { headers: { ...headers, origin: 'http://ml.example.org.evil.example' } })).status).toBe(403);
      const { body } = await p.must(p.systemAdmin.secret, 'POST', `/v1/users/${p.viewer.name}/sign-in-link`);
      expect(body.url).toMatch(/^https:\/\/ml\.example\.org\//);
    } finally {
      await p.close();
    }
  });
});

describe('the cookie', () => {
  const signIn = (keep?: string) =>
    opened().ask(null, 'POST', '/v1/session', { name: opened().member.name, password: opened().member.password, ...(keep === undefined ? {} : { keep }) });
  const flags = (header: unknown): { value: string; flags: readonly string[] } => {
    const [pair = '', ...rest] = String(header).split('; ');
    return { value: pair, flags: rest.filter((flag) => !/^(Max-Age|Expires)=/i.test(flag)).toSorted() };
  };

  it('is out of reach of scripts, of other sites and of other hosts', async () => {
    const answer = await signIn();
    const { value, flags: set } = flags(answer.headers['set-cookie']);
    expect(value).toMatch(new RegExp(`^${SESSION_COOKIE}=.{40,}$`));
    expect(set).toEqual(['HttpOnly', 'Path=/', 'SameSite=Strict']);
    expect(answer.body.token).toBeNull();
    expect(answer.text).not.toContain(value.split('=')[1]);
  });

  it('is not set for those who ask for a token', async () => {
    const answer = await signIn('token');
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.body.token).toMatch(/.{40,}/);
  });

  it('is taken back, and dead, after signing out', async () => {
    const { value } = flags((await signIn()).headers['set-cookie']);
    const out = await opened().ask(null, 'DELETE', '/v1/session', undefined, { headers: { cookie: value } });
    expect(out.status).toBe(204);
    expect(flags(out.headers['set-cookie'])).toEqual({ value: `${SESSION_COOKIE}=`, flags: ['HttpOnly', 'Path=/', 'SameSite=Strict'] });
    expect((await opened().ask(null, 'GET', '/v1/me', undefined, { headers: { cookie: value } })).status).toBe(401);
  });
});

describe('every kind of answer', () => {
  const kinds: Record<string, () => Promise<Answer>> = {
    JSON: () => opened().ask(null, 'GET', '/v1/health'),
    'HEAD of JSON': () => opened().ask(null, 'HEAD', '/v1/health'),
    created: () => opened().ask(opened().member.secret, 'POST', '/v1/tenants/alpha/data', { name: 'x' }),
    'no content': async () => opened().ask(opened().member.secret, 'DELETE', `/v1/tenants/alpha/data/${(await things().data()).id}`),
    'not signed in': () => opened().ask(null, 'GET', '/v1/me'),
    'no such thing': () => opened().ask(opened().member.secret, 'GET', '/v1/tenants/alpha/data/999999'),
    'no such route': () => opened().ask(null, 'GET', '/v1/nothing'),
    'a method nobody serves': () => opened().ask(null, 'PROPFIND', '/v1/health'),
    'an address that cannot be read': () => opened().ask(null, 'GET', '/v1/tenants/%zz'),
    'a parameter that is too long': () => opened().ask(opened().member.secret, 'GET', `/v1/tenants/${'a'.repeat(2_000)}`),
    'a refused host': () => opened().ask(null, 'GET', '/v1/health', undefined, { headers: { host: 'evil.example' } }),
    'JSON that cannot be read': () =>
      opened().ask(null, 'POST', '/v1/session', undefined, { headers: { 'content-type': 'application/json', 'content-length': '0' } }),
    'a file': async () => {
      const { data, file } = await things().dataWithFile();
      return opened().ask(opened().member.secret, 'GET', `/v1/tenants/alpha/data/${data.id}/files/${file}/content`);
    },
    'a range that is not there': async () => {
      const { data, file } = await things().dataWithFile();
      return opened().ask(opened().member.secret, 'GET', `/v1/tenants/alpha/data/${data.id}/files/${file}/content`, undefined, {
        headers: { range: 'bytes=100-' },
      });
    },
    'a log': async () => opened().ask(opened().member.secret, 'GET', `/v1/tenants/alpha/runs/${(await things().endedTask()).id}/log`),
    'events of a log': async () => opened().ask(opened().member.secret, 'GET', `/v1/tenants/alpha/runs/${(await things().endedTask()).id}/log/live`),
    'events of a tenant': () => opened().ask(opened().member.secret, 'GET', '/v1/tenants/alpha/events'),
    'a page': () => opened().ask(null, 'GET', '/'),
    'a page deep inside': () => opened().ask(null, 'GET', '/t/alpha/runs/training-1'),
    'an asset': () => opened().ask(null, 'GET', '/assets/app.js'),
    'an asset that is not there': () => opened().ask(null, 'GET', '/assets/nothing.js'),
    'the description': () => opened().ask(null, 'GET', '/v1/openapi.json'),
    'the page to browse it': () => opened().ask(null, 'GET', '/v1/docs'),
    "that page's script": () => opened().ask(null, 'GET', '/v1/docs/assets/swagger-ui-bundle.js'),
  };

  it.each(Object.keys(kinds))('tells browsers to be careful: %s', async (kind) => {
    const { headers, status } = (await kinds[kind]?.()) as Answer;
    expect([status, headers]).toEqual([
      status,
      expect.objectContaining({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'content-security-policy': expect.stringMatching(/sandbox|frame-ancestors 'none'/),
        'cache-control': expect.stringMatching(/no-store|no-cache|private|immutable|max-age=0/),
      }),
    ]);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control') || name === 'x-powered-by' || name === 'server')).toEqual([]);
  });

  it.each(Object.keys(kinds).filter((kind) => /^no such|not signed|method|address|parameter|refused|cannot be read|not there/.test(kind)))(
    'is one of our errors when it is an error: %s',
    async (kind) => {
      const { body, status } = (await kinds[kind]?.()) as Answer;
      expect([status >= 400 && status < 500, body]).toEqual([
        true,
        { code: expect.any(String), message: expect.any(String), params: expect.any(Object), requestId: expect.stringMatching(/.{36}/) },
      ]);
    },
  );

  it('keeps no secret, path of the server or trace in an error', async () => {
    const texts = await Promise.all(Object.keys(kinds).map(async (kind) => ((await kinds[kind]?.()) as Answer).text));
    expect(texts.filter((text) => text.includes(opened().home.folder) || /\n {4}at .*\.ts:/.test(text) || /node_modules/.test(text.slice(0, 5_000)))).toEqual(
      [],
    );
  });

  it('ends for HEAD, also where GET would go on for ever', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const through = (method: string, path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = request(`${opened().url}${path}`, { method, agent, headers: { authorization: `Bearer ${opened().member.secret}` } }, (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        });
        sent.on('error', reject);
        sent.end();
      });
    expect(await through('HEAD', '/v1/tenants/alpha/events')).toBe(200);
    expect(await through('GET', '/v1/health')).toBe(200);
    agent.destroy();
  });
});

describe('bodies', () => {
  const raw = (text: string, headers: Record<string, string> = {}, path = '/v1/tenants/alpha/data') =>
    exchange(opened().url, {
      method: 'POST',
      path,
      body: Buffer.from(text),
      headers: { authorization: `Bearer ${opened().member.secret}`, 'content-type': 'application/json', ...headers },
    });
  const unchanged = async (work: () => Promise<void>): Promise<void> => {
    await untilQuiet(opened());
    const before = await snapshotDatabase(opened().database.db);
    await work();
    expect(await snapshotDatabase(opened().database.db)).toEqual(before);
  };

  it('have a largest size', () =>
    unchanged(async () => {
      const answer = await raw(JSON.stringify({ name: 'x', memo: 'x'.repeat(JSON_BODY_BYTES_LIMIT) }));
      expect([answer.status, answer.body.code]).toEqual([413, 'body-too-large']);
      expect(answer.body.message).toContain(`${JSON_BODY_BYTES_LIMIT / 2 ** 20} MiB`);
    }));

  it('have that size also when they do not say how long they are', () =>
    unchanged(async () => {
      const status = await new Promise<number>((resolve, reject) => {
        const sent = request(
          `${opened().url}/v1/tenants/alpha/data`,
          { method: 'POST', agent: false, headers: { authorization: `Bearer ${opened().member.secret}`, 'content-type': 'application/json' } },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
            sent.destroy();
          },
        );
        sent.on('error', reject);
        for (let sentBytes = 0; sentBytes <= JSON_BODY_BYTES_LIMIT; sentBytes += 2 ** 20) sent.write('x'.repeat(2 ** 20));
        sent.end();
      });
      expect(status).toBe(413);
    }));

  it.each([
    ['nothing', ''],
    ['half of it', '{"name": "x"'],
    ['no JSON', 'name=x'],
    ['two of them', '{"name":"x"}{"name":"y"}'],
    ['a text', '"x"'],
    ['a number', '1'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a list of one', '[{"name":"x"}]'],
    ['a field of another type', '{"name":1}'],
    ['a field that nobody knows', '{"name":"x","nonsense":1}'],
    ['a field that the platform sets', '{"name":"x","id":"0198c3f0-0000-7000-8000-000000000000"}'],
    ["another's name", '{"name":"x","createdBy":"admin"}'],
    ['__proto__', '{"name":"x","__proto__":{"polluted":true}}'],
    ['__proto__ written otherwise', '{"name":"x","\\u005f_proto__":{"polluted":true}}'],
    ['constructor', '{"name":"x","constructor":{"prototype":{"polluted":true}}}'],
    ['__proto__ deep inside', '{"name":"x","tags":[{"__proto__":{"polluted":true}}]}'],
    ['a list that is deep', `{"name":"x","tags":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['a thing that is deep', `{"name":"x","nonsense":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
    ['bytes that are no text', '\u0000\u0001'],
    ['a NUL in a name', '{"name":"a\\u0000b"}'],
    ['a NUL in a memo', '{"name":"x","memo":"a\\u0000b"}'],
    ['a NUL in a tag', '{"name":"x","tags":["a\\u0000b"]}'],
  ])('are refused when they are %s', (_what, text) =>
    unchanged(async () => {
      const answer = await raw(text);
      expect([answer.status, answer.body?.code, answer.text]).toEqual([400, 'invalid-request', expect.anything()]);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    }),
  );

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json-patch+json', 'text/json', ''])(
    'are not read as JSON when they say that they are %j',
    (type) =>
      unchanged(async () => {
        const answer = await raw('{"name":"x"}', { 'content-type': type });
        expect([answer.status, answer.body?.code]).toEqual([400, 'invalid-request']);
      }),
  );

  it('may say in which characters they are', async () => {
    expect((await raw('{"name":"日本語"}', { 'content-type': 'application/json; charset=utf-8' })).body).toMatchObject({ name: '日本語' });
  });

  it('are not read for a route that takes none', () =>
    unchanged(async () => {
      const { id } = await opened()
        .must(opened().viewer.secret, 'GET', '/v1/me')
        .then(({ body }) => body);
      expect(id).toBe(opened().viewer.id);
      const answer = await opened().ask(opened().member.secret, 'DELETE', '/v1/tenants/alpha/data/1', { force: true });
      expect(answer.body.code).toBe('invalid-request');
    }));
});

describe('a reader of events that has gone', () => {
  it('is noticed, and forgotten', async () => {
    const connections = (): Promise<number> =>
      new Promise((resolve, reject) => opened().platform.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
    const readers = await Promise.all(
      Array.from(
        { length: 20 },
        () =>
          new Promise<() => void>((resolve, reject) => {
            const sent = get(
              `${opened().url}/v1/tenants/alpha/events`,
              { agent: false, headers: { authorization: `Bearer ${opened().viewer.secret}` } },
              (response) => {
                response.once('data', () => resolve(() => sent.destroy()));
                response.on('error', () => {});
              },
            );
            sent.on('error', reject);
          }),
      ),
    );
    expect(await connections()).toBeGreaterThanOrEqual(20);
    for (const leave of readers) leave();
    await expect.poll(connections, { timeout: 20_000 }).toBeLessThan(20);
  });
});

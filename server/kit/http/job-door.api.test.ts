import { snapshotDatabase } from '#api-tests/database-snapshot.ts';
import { EXAMPLES, type ExampleRequest } from '#api-tests/example-requests.ts';
import { type Answer, exchange, type RequestParts } from '#api-tests/exchange.ts';
import { type Headers, makeRefusedCredentials } from '#api-tests/refused-credentials.ts';
import { makeTenantThings, type TenantThings } from '#api-tests/tenant-things.ts';
import { untilQuiet, useTestPlatform } from '#api-tests/test-platform.ts';
import { SESSION_COOKIE } from '#kit/http/bind-route.ts';
import { cameThroughJobDoor, type JobDoor, makeJobDoor } from '#kit/http/job-door.ts';
import { JSON_BODY_BYTES_LIMIT } from '#kit/http/make-http-app.ts';
import { buildPath } from '@sodate/client/build-path.ts';
import { getHealth } from '@sodate/contract/health.ts';
import type { Route } from '@sodate/contract/route.ts';
import { ALL_ROUTES } from '@sodate/contract/routes.ts';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { freePort } from '#kit/testing/free-port.ts';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Two addresses of this machine, as two tenants' gateways would be. Linux has all of 127.0.0.0/8. */
const [GATEWAY, OTHER_GATEWAY] = ['127.0.0.2', '127.0.0.3'];

const opened = useTestPlatform();

interface World {
  readonly door: JobDoor;
  readonly things: TenantThings;
  /** Good on the main port, all of them, and none of them a job's. */
  readonly people: Readonly<Record<string, Headers>>;
  readonly broken: Readonly<Record<string, Headers>>;
  readonly job: Headers;
  readonly foreignJob: Headers;
}

const held: { world?: World } = {};
const world = (): World => held.world as World;
const bearer = (secret: string): Headers => ({ authorization: `Bearer ${secret}` });

const atDoor = (address: string = GATEWAY): string => `http://${address}:${world().door.port}`;
const throughDoor = (parts: RequestParts, address?: string): Promise<Answer> => exchange(atDoor(address), parts);

beforeAll(async () => {
  const p = opened();
  const door = makeJobDoor({ port: await freePort(), connectionsPerAddress: 20 });
  // Networks are looked at while the platform is still being put together.
  await Promise.all([GATEWAY, OTHER_GATEWAY, '192.0.2.222'].map((address) => door.listenOn(address)));
  await expect(exchange(`http://${GATEWAY}:${door.port}`, { method: 'GET', path: '/v1/health' })).rejects.toThrow('ECONNREFUSED');
  await door.leave(OTHER_GATEWAY);
  await door.serve(p.platform.app);
  expect((await exchange(`http://${GATEWAY}:${door.port}`, { method: 'GET', path: '/v1/health' })).status).toBe(200);
  await expect(exchange(`http://${OTHER_GATEWAY}:${door.port}`, { method: 'GET', path: '/v1/health' })).rejects.toThrow('ECONNREFUSED');
  await Promise.all([door.listenOn(GATEWAY), door.listenOn(GATEWAY)]);
  await door.listenOn(GATEWAY);
  const things = makeTenantThings(p, 'alpha', p.member.secret);
  const foreignThings = makeTenantThings(p, 'beta', p.foreigner.secret);
  const token = await p.makeToken(p.member, 'alpha');
  held.world = {
    door,
    things,
    people: {
      'a system admin': bearer(p.systemAdmin.secret),
      'an admin': bearer(p.admin.secret),
      'a member': bearer(p.member.secret),
      'a member by cookie': { cookie: `${SESSION_COOKIE}=${p.member.secret}` },
      'a system admin by cookie, at a name of ours': { cookie: `${SESSION_COOKIE}=${p.systemAdmin.secret}`, host: new URL(p.url).host, origin: p.url },
      "a member's token": bearer(token.secret),
      "a member's token by Basic": { authorization: `Basic ${btoa(`${token.id}:${token.secret}`)}` },
      'a member who says where the request was first': {
        ...bearer(p.member.secret),
        host: new URL(p.url).host,
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-host': new URL(p.url).host,
        'x-forwarded-port': new URL(p.url).port,
        'x-real-ip': '127.0.0.1',
        forwarded: `for=127.0.0.1;host=${new URL(p.url).host}`,
        via: '1.1 main',
      },
    },
    broken: await makeRefusedCredentials(p, things),
    job: bearer(await p.attemptTokenOf((await things.liveTask()).id)),
    foreignJob: bearer(await p.attemptTokenOf((await foreignThings.liveTask()).id)),
  };
});
afterAll(() => held.world?.door.close());

const parts = (route: Route, example: ExampleRequest, headers: Headers, method: string = route.method): RequestParts => ({
  method,
  path: buildPath(route.path, example.params ?? {}, example.query ?? {}),
  body: example.body,
  headers,
});

/** Sends each, expects this answer of each, and that nothing at all has happened. */
async function expectRefused(cases: readonly { readonly what: string; readonly parts: RequestParts; readonly codes: readonly string[] }[]): Promise<void> {
  await untilQuiet(opened());
  const before = await snapshotDatabase(opened().database.db);
  const wrong: string[] = [];
  for (const { what, parts: sent, codes } of cases) {
    const answer = await throughDoor(sent);
    const status = codes.includes('route-not-found') ? 404 : 401;
    if (answer.status !== status || !codes.includes(answer.body?.code) || answer.body.message === '' || answer.headers['set-cookie'] !== undefined)
      wrong.push(`${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  expect(wrong).toEqual([]);
  expect(await snapshotDatabase(opened().database.db)).toEqual(before);
}

describe.each(ALL_ROUTES.map((route) => ({ id: route.id, rule: route.jobDoor, route })))('$id, which is $rule at the door', ({ route }) => {
  const made: { example?: ExampleRequest } = {};
  const example = (): ExampleRequest => made.example as ExampleRequest;
  beforeAll(async () => {
    made.example = (await EXAMPLES[route.id]?.(world().things, opened())) ?? {};
  });

  if (route.jobDoor === 'closed') {
    it('is not there, not even for jobs', async () => {
      const everybody = { ...world().people, ...world().broken, 'a job': world().job };
      await expectRefused(Object.entries(everybody).map(([what, headers]) => ({ what, parts: parts(route, example(), headers), codes: ['route-not-found'] })));
    });
  } else if (route.jobDoor === 'open') {
    it('does not ask who is calling', async () => {
      // Sending parts again changes nothing; and there is no other open route that writes.
      for (const headers of [{}, ...Object.values(world().people), world().job]) {
        const answer = await throughDoor(parts(route, example(), headers));
        expect([answer.status, answer.text.slice(0, 300)]).toEqual([route.status, expect.anything()]);
      }
    });
  } else {
    it('refuses people and their tokens, however good they are, and everything bad', async () => {
      const nonsense: ExampleRequest = { ...example(), query: { nonsense: '1' } };
      await expectRefused([
        ...Object.entries(world().people).flatMap(([what, headers]) => [
          { what, parts: parts(route, example(), headers), codes: ['jobs-only'] },
          { what: `${what}, out of form`, parts: parts(route, nonsense, headers), codes: ['jobs-only'] },
        ]),
        ...Object.entries(world().broken).map(([what, headers]) => ({ what, parts: parts(route, example(), headers), codes: ['jobs-only', 'not-signed-in'] })),
      ]);
      if (route.method === 'GET') expect((await throughDoor(parts(route, example(), world().people['a member'] ?? {}, 'HEAD'))).status).toBe(401);
    });

    it('gives a job the rights that it has on the main port', async () => {
      // A query that no route knows is refused after the rights were checked, and before anything is done.
      const harmless = route.method === 'GET' ? example() : { ...example(), query: { nonsense: '1' } };
      for (const headers of [world().job, world().foreignJob]) {
        const sent = parts(route, harmless, headers);
        const [main, door] = [await exchange(opened().url, sent), await throughDoor(sent)];
        expect([door.status, door.body?.code]).toEqual([main.status, main.body?.code]);
        expect(door.body?.code).not.toBe('jobs-only');
      }
    });
  }
});

describe('the rule of a route', () => {
  it('is closed for what anyone may call, unless it says otherwise', () => {
    const open = ALL_ROUTES.filter(({ permission, jobDoor }) => permission === 'anyone' && jobDoor !== 'closed').map(({ id }) => id);
    expect(open).toEqual([getHealth.id]);
    expect(ALL_ROUTES.filter(({ jobDoor }) => jobDoor === 'open').map(({ permission }) => permission)).toEqual(
      expect.not.arrayContaining(['signed-in', 'system-admin', 'tenant-viewer', 'tenant-member', 'tenant-admin']),
    );
  });

  it('leaves the pages, the description and every other address outside', async () => {
    const paths = ['/', '/index.html', '/assets/app.js', '/t/alpha/runs/task-1', '/v1/docs', '/v1/docs/start.js', '/v1/docs/assets/swagger-ui.css'];
    const cases = [
      ...paths,
      '/v1/openapi.json',
      '/v1/nothing',
      '/v1/../v1/session',
      '/v1//me',
      '//v1/me',
      '/V1/me',
      '/v1/me/',
      '/v1/session/x',
      '/v1/health/..',
    ].flatMap((path) =>
      ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].flatMap((method) =>
        [world().job, world().people['a system admin'] ?? {}].map((headers) => ({
          what: `${method} ${path}`,
          parts: { method, path, headers },
          codes: ['route-not-found'],
        })),
      ),
    );
    await expectRefused(cases);
  });

  it('refuses an address that cannot be read as the main listener does', async () => {
    const answer = await throughDoor({ method: 'GET', path: '/v1/tenants/%zz', headers: world().job });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
  });
});

describe('what a request may say of itself', () => {
  it('marks nothing that came to the main port', async () => {
    const claims = { host: `${GATEWAY}:${world().door.port}`, 'x-forwarded-host': 'sodate', 'x-job-door': '1' };
    expect((await exchange(opened().url, { method: 'GET', path: '/v1/me', headers: { ...bearer(opened().member.secret), ...claims } })).status).toBe(200);
  });

  it('may be any name, since each network has its own for the door', async () => {
    for (const host of ['sodate', `sodate:${world().door.port}`, GATEWAY, 'anything.example'])
      expect((await throughDoor({ method: 'GET', path: '/v1/me', headers: { ...world().job, host } })).status).toBe(200);
  });

  it('does not unmark it in the absolute form of an address', async () => {
    const sent = { method: 'GET', path: `${opened().url}/v1/me`, headers: world().people['a member'] ?? {} };
    expect((await throughDoor(sent)).status).toBeGreaterThanOrEqual(400);
  });

  it('stays refused on a connection on which a job was served before', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number>();
    const ask = (headers: Headers, path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = request(`${atDoor()}${path}`, { agent, headers }, (response: IncomingMessage) => {
          response.resume().on('end', () => resolve(response.statusCode ?? 0));
        });
        sent.on(
          'socket',
          (socket: Socket) =>
            void (socket.localPort === undefined ? socket.once('connect', () => ports.add(socket.localPort ?? 0)) : ports.add(socket.localPort)),
        );
        sent.on('error', reject).end();
      });
    const member = world().people['a member'] ?? {};
    expect([await ask(world().job, '/v1/me'), await ask(member, '/v1/me'), await ask(member, '/v1/openapi.json'), await ask(world().job, '/v1/me')]).toEqual([
      200, 401, 404, 200,
    ]);
    expect(ports.size).toBe(1);
    agent.destroy();
  });

  it('is the same on an upgrade', async () => {
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' };
    const of = async (headers: Headers) => (await throughDoor({ method: 'GET', path: '/v1/me', headers: { ...headers, ...upgrade } })).status;
    expect([await of(world().people['a member'] ?? {}), await of(world().job)]).toEqual([401, 200]);
  });

  it('hands upgrades over marked, where the main listener takes them', async () => {
    const { server } = opened().platform.app;
    const marks: boolean[] = [];
    const take = (request: IncomingMessage, socket: Socket): void => {
      marks.push(cameThroughJobDoor(request));
      socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\n');
    };
    server.on('upgrade', take);
    try {
      await world().door.listenOn(OTHER_GATEWAY);
      for (const url of [atDoor(OTHER_GATEWAY), opened().url]) {
        const sent = request(url, { headers: { connection: 'Upgrade', upgrade: 'test' } }).end();
        const [response] = (await once(sent, 'upgrade')) as [IncomingMessage];
        expect(response.statusCode).toBe(101);
      }
    } finally {
      server.off('upgrade', take);
      await world().door.leave(OTHER_GATEWAY);
    }
    expect(marks).toEqual([true, false]);
  });
});

describe('what goes through', () => {
  it('is work: data, its bytes up and down, and events', async () => {
    const { job } = world();
    const must = async (method: string, path: string, body?: unknown, headers: Headers = job): Promise<Answer> => {
      const answer = await throughDoor({ method, path, body, headers });
      expect([answer.status < 300, answer.text.slice(0, 300)]).toEqual([true, expect.anything()]);
      return answer;
    };
    const bytes = Buffer.alloc(3_000_000, 'abcdefghijk');
    const data = (await must('POST', '/v1/tenants/alpha/data', { name: 'made by a job' })).body;
    const { uploads } = (await must('POST', `/v1/tenants/alpha/data/${data.id}/uploads`, { files: [{ name: 'big.bin', size: bytes.length }] })).body;
    await must('PUT', uploads[0].partUrl.replace('{part}', '1'), bytes, {});
    const { files } = (await must('POST', `/v1/tenants/alpha/data/${data.id}/uploads/complete`, { uploads: [{ id: uploads[0].id }] })).body;
    const content = await must('GET', `/v1/tenants/alpha/data/${data.id}/files/${files[0].id}/content`);
    expect(content.bytes.equals(bytes)).toBe(true);
    expect((await must('GET', '/v1/tenants/alpha/events')).headers['content-type']).toContain('text/event-stream');
  });

  it('is bounded as on the main listener', async () => {
    const body = Buffer.from(JSON.stringify({ name: 'x', memo: 'x'.repeat(JSON_BODY_BYTES_LIMIT) }));
    const headers = { ...world().job, 'content-type': 'application/json' };
    const answer = await throughDoor({ method: 'POST', path: '/v1/tenants/alpha/data', body, headers });
    expect([answer.status, answer.body.code]).toEqual([413, 'body-too-large']);
    const large = await throughDoor({ method: 'GET', path: '/v1/me', headers: { ...world().job, 'x-large': 'x'.repeat(20_000) } });
    expect(large.status).toBe(431);
  });

  it('is refused without reading what comes with it', async () => {
    const socket = connect(world().door.port, GATEWAY);
    await once(socket, 'connect');
    const token = world().people["a member's token"]?.['authorization'];
    socket.write(
      `POST /v1/tenants/alpha/data HTTP/1.1\r\nhost: sodate\r\nauthorization: ${token}\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 401 /);
    socket.destroy();
  });
});

describe('the door itself', () => {
  it('takes so many connections at an address, and then no more, while another address still answers', async () => {
    await world().door.listenOn(OTHER_GATEWAY);
    const sockets: Socket[] = [];
    const ended = { count: 0 };
    for (let count = 0; count < 30; count += 1) {
      const socket = connect(world().door.port, GATEWAY);
      sockets.push(socket);
      socket.on('close', () => (ended.count += 1)).on('error', () => {});
    }
    await expect.poll(() => ended.count, { timeout: 20_000 }).toBeGreaterThanOrEqual(10);
    expect((await throughDoor({ method: 'GET', path: '/v1/me', headers: world().job }, OTHER_GATEWAY)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(
        () =>
          throughDoor({ method: 'GET', path: '/v1/health' }).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBe(200);
    await world().door.leave(OTHER_GATEWAY);
  });

  it('names an address that it cannot have, and can be asked again', async () => {
    // 192.0.2.0/24 is for documentation, and .222 of it on no interface here: binding sends nothing.
    await expect(world().door.listenOn('192.0.2.222')).rejects.toThrow(`192.0.2.222:${world().door.port}: no interface of this machine has that address`);
    await expect(world().door.listenOn('192.0.2.222')).rejects.toThrow('192.0.2.222');
    const taken = createServer().listen(world().door.port, OTHER_GATEWAY);
    await once(taken, 'listening');
    await expect(world().door.listenOn(OTHER_GATEWAY)).rejects.toThrow(`${OTHER_GATEWAY}:${world().door.port}: something else listens there`);
    taken.close();
    await once(taken, 'close');
    await world().door.listenOn(OTHER_GATEWAY);
    expect((await throughDoor({ method: 'GET', path: '/v1/health' }, OTHER_GATEWAY)).status).toBe(200);
  });

  it('leaves an address, with whoever is connected there, and no other', async () => {
    await world().door.listenOn(OTHER_GATEWAY);
    const reader = request(`${atDoor(OTHER_GATEWAY)}/v1/tenants/alpha/events`, { headers: world().job }).end();
    const [response] = (await once(reader, 'response')) as [IncomingMessage];
    const closed = new Promise<void>((resolve) => response.on('error', () => {}).on('close', resolve));
    await world().door.leave(OTHER_GATEWAY);
    await world().door.leave(OTHER_GATEWAY);
    await closed;
    await expect(throughDoor({ method: 'GET', path: '/v1/health' }, OTHER_GATEWAY)).rejects.toThrow('ECONNREFUSED');
    expect((await throughDoor({ method: 'GET', path: '/v1/health' })).status).toBe(200);
  });

  it('ends for good', async () => {
    const door = makeJobDoor({ port: await freePort() });
    await door.serve(opened().platform.app);
    const opening = door.listenOn(OTHER_GATEWAY);
    await door.close();
    await opening;
    await expect(exchange(`http://${OTHER_GATEWAY}:${door.port}`, { method: 'GET', path: '/v1/health' })).rejects.toThrow('ECONNREFUSED');
    await expect(door.listenOn(OTHER_GATEWAY)).rejects.toThrow('closed');
  });

  it('wants a port that jobs can be told', () => {
    for (const port of [0, -1, 70_000, 1.5]) expect(() => makeJobDoor({ port })).toThrow('fixed port');
  });

  it('has made nothing go wrong on the server', () => {
    expect(opened().errorsLogged).toEqual([]);
  });
});

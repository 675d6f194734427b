import { exchange, type Answer, type RequestParts } from '#api-tests/exchange.ts';
import { useTestPlatform } from '#api-tests/test-platform.ts';
import { newLabel } from '#content/content-address.ts';
import type { Upstream } from '#content/pass-through.ts';
import { makeRun, openUpstream, serveUpstreams, type UpstreamServer } from '#content/testing/serve-upstreams.ts';
import { readFrames, type StandInUpstream, startStandInUpstream, textFrame } from '#content/testing/stand-in-upstream.ts';
import { once } from 'node:events';
import { type IncomingMessage, request as ask, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

/** A program behind a label, on servers of its own: no route of the platform can aim one yet. */
const opened = useTestPlatform();
const held: { patient?: UpstreamServer; impatient?: UpstreamServer; run?: string; upstream: Upstream | null; programs: StandInUpstream[] } = {
  upstream: null,
  programs: [],
};

beforeAll(async () => {
  held.run = await makeRun(opened());
  held.patient = await serveUpstreams(opened(), { upstreamOf: () => held.upstream, answerMs: 60_000 });
  held.impatient = await serveUpstreams(opened(), { upstreamOf: () => held.upstream, answerMs: 100 });
});
afterAll(() => Promise.all([held.patient?.close(), held.impatient?.close()]));
afterEach(async () => {
  await Promise.all(held.programs.splice(0).map((program) => program.close()));
});

const url = (): string => held.patient?.url ?? '';
const impatient = (): string => held.impatient?.url ?? '';
const port = (): number => Number(new URL(url()).port);

async function startProgram(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<StandInUpstream> {
  const program = await startStandInUpstream(answer);
  held.programs.push(program);
  held.upstream = { host: '127.0.0.1', port: program.port };
  return program;
}

interface Visit {
  readonly label: string;
  readonly host: string;
  readonly cookie: string;
}

async function visit(): Promise<Visit> {
  const { label, host, ticket } = await openUpstream(opened(), { server: url(), run: held.run ?? '' });
  const first = await exchange(url(), { method: 'GET', path: `/lab?x=1&ticket=${ticket}`, headers: { host } });
  expect([first.status, first.headers['location']]).toEqual([303, '/lab?x=1']);
  const cookies = [first.headers['set-cookie']].flat().map((line) => String(line).split(';')[0]);
  return { label, host, cookie: cookies.join('; ') };
}

const send = ({ host, cookie }: Visit, parts: Partial<RequestParts> = {}, at = url()): Promise<Answer> =>
  exchange(at, { method: 'GET', path: '/', ...parts, headers: { host, cookie, ...parts.headers } });

describe('a program behind a label', () => {
  it('gets what was sent, by its own name and without what is ours', async () => {
    const program = await startProgram((request, response) => {
      void buffer(request).then((body) =>
        response
          .writeHead(201, {
            'content-type': 'text/plain',
            'set-cookie': ['session=1; Path=/; Domain=run.localhost', 'sodate_content=stolen'],
            'content-security-policy': "frame-ancestors 'self'",
            'access-control-allow-origin': '*',
            connection: 'keep-alive, x-hop',
            'x-hop': '1',
            'x-own': '2',
          })
          .end(`${request.method} ${request.url} ${body.toString()}`),
      );
    });
    const there = await visit();
    const answer = await send(there, {
      method: 'POST',
      path: '/api/kernels?a=%20b',
      body: { code: 'x' },
      headers: {
        cookie: `theirs=1; ${there.cookie}`,
        origin: `http://${there.host}`,
        referer: 'http://somewhere/',
        connection: 'keep-alive, X-Secret-Hop',
        'x-secret-hop': '1',
        'proxy-authorization': 'Basic eA==',
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-host': 'forged.example',
        'x-xsrf': 'kept',
      },
    });
    expect([answer.status, answer.text]).toEqual([201, 'POST /api/kernels?a=%20b {"code":"x"}']);
    const { headers = {} } = program.asked.at(-1) ?? {};
    expect(headers).toMatchObject({
      host: `127.0.0.1:${program.port}`,
      origin: `http://127.0.0.1:${program.port}`,
      cookie: 'theirs=1',
      'x-forwarded-host': there.host,
      'x-forwarded-proto': 'http',
      'x-xsrf': 'kept',
    });
    for (const name of ['referer', 'x-secret-hop', 'proxy-authorization', 'x-forwarded-for']) expect([name, headers[name]]).toEqual([name, undefined]);
    expect(answer.headers).toMatchObject({ 'x-own': '2', 'set-cookie': ['session=1; Path=/'], 'cache-control': 'private, no-store' });
    expect(answer.headers['content-security-policy']).toMatch(/^frame-ancestors 'self', .*frame-ancestors 'self' http/);
    for (const name of ['x-hop', 'access-control-allow-origin']) expect(answer.headers[name]).toBeUndefined();
  });

  it('is not seen by anybody else', async () => {
    const program = await startProgram((_request, response) => void response.end('seen'));
    const there = await visit();
    expect((await send(there)).text).toBe('seen');
    const asked = program.asked.length;
    expect((await send({ ...there, cookie: '' })).status).toBe(403);
    expect((await send(there, { method: 'POST', headers: { origin: url() } })).status).toBe(403);
    expect((await send(there, { method: 'POST', headers: { origin: 'null' } })).status).toBe(403);
    expect((await send(there, { headers: { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' } })).status).toBe(403);
    expect(program.asked).toHaveLength(asked);
    // A form of its own page, which is told to send no referrer.
    expect((await send(there, { method: 'POST', headers: { origin: 'null', 'sec-fetch-site': 'same-origin' } })).text).toBe('seen');
  });

  it('streams large bodies both ways, and ends with whoever asked', async () => {
    const program = await startProgram((request, response) => {
      if (request.url === '/endless') return void response.write('begun');
      request.pipe(response);
    });
    const there = await visit();
    const bytes = Buffer.alloc(5_000_000, 'abcdefghijk');
    const echoed = await send(there, { method: 'PUT', body: bytes });
    expect(echoed.bytes.equals(bytes)).toBe(true);
    const sent = ask({ host: '127.0.0.1', port: port(), path: '/endless', headers: { host: there.host, cookie: there.cookie } }).on('error', () => {});
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    await once(response, 'data');
    sent.destroy();
    await expect.poll(() => program.connections()).toBe(0);
  });

  it('may be away, silent, or break off: that is said', async () => {
    const there = await visit();
    held.upstream = null;
    expect(await send(there)).toMatchObject({ status: 502, text: expect.stringContaining('Nothing answers here') });
    held.upstream = { host: '127.0.0.1', port: 1 };
    expect(await send(there)).toMatchObject({ status: 502 });
    expect(await send(there, { method: 'POST', body: Buffer.alloc(2_000_000) })).toMatchObject({ status: 502 });
    held.upstream = { socketPath: path.join(opened().home.folder, 'nothing.sock') };
    expect(await send(there)).toMatchObject({ status: 502 });
    await startProgram((request, response) => {
      if (request.url === '/silent') return;
      if (request.url === '/breaks') return void response.socket?.destroy();
      response.writeHead(200, { 'content-length': '10' }).write('half', () => response.socket?.destroy());
    });
    expect(await send(there, { path: '/silent' }, impatient())).toMatchObject({ status: 504, text: expect.stringContaining('no answer') });
    expect(await send(there, { path: '/breaks' })).toMatchObject({ status: 502 });
    await expect(send(there, { path: '/half' })).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  it('may listen at a socket file', async () => {
    const socketPath = path.join(opened().home.folder, 'program.sock');
    const program = await startStandInUpstream((_request, response) => void response.end('by a file'), { socketPath });
    held.programs.push(program);
    held.upstream = { socketPath };
    expect((await send(await visit())).text).toBe('by a file');
    expect(program.asked.at(-1)?.headers.host).toBe('localhost');
  });
});

describe('a WebSocket', () => {
  const HANDSHAKE = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' };
  const upgrade = async (
    there: Visit,
    headers: Readonly<Record<string, string>>,
    at = '/',
    server = url(),
  ): Promise<{ response: IncomingMessage; socket?: Socket; head?: Buffer }> => {
    const sent = ask({
      host: '127.0.0.1',
      port: Number(new URL(server).port),
      path: at,
      agent: false,
      headers: { host: there.host, cookie: there.cookie, ...HANDSHAKE, ...headers },
    });
    const answered = new Promise<{ response: IncomingMessage; socket?: Socket; head?: Buffer }>((resolve, reject) => {
      sent.once('upgrade', (response, socket: Socket, head) => resolve({ response, socket, head }));
      sent.once('response', (response) => resolve({ response }));
      sent.once('error', reject);
    });
    sent.end();
    return answered;
  };
  const own = (there: Visit) => ({ origin: `http://${there.host}` });

  it('goes through, with what is sent at once on both sides', async () => {
    const program = await startProgram((_request, response) => void response.end());
    const there = await visit();
    const { response, socket, head } = await upgrade(there, own(there), '/api/channels');
    if (socket === undefined || head === undefined) throw new Error(`Refused with ${response.statusCode}`);
    expect([response.statusCode, response.headers['sec-websocket-accept']]).toEqual([101, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
    const texts = [...readFrames(head)];
    socket.on('data', (bytes: Buffer) => texts.push(...readFrames(bytes)));
    socket.write(textFrame('one', Buffer.from([1, 2, 3, 4])));
    await expect.poll(() => texts).toEqual(['hello', 'echo one']);
    socket.write(textFrame('two', Buffer.from([9, 8, 7, 6])));
    await expect.poll(() => texts).toEqual(['hello', 'echo one', 'echo two']);
    expect(program.asked.at(-1)).toMatchObject({ url: '/api/channels', headers: { origin: `http://127.0.0.1:${program.port}`, upgrade: 'websocket' } });
    expect(program.asked.at(-1)?.headers.cookie).toBeUndefined();
    socket.end();
    await expect.poll(() => program.connections()).toBe(0);
  });

  it('is for the page of that label only, exactly', async () => {
    const program = await startProgram((_request, response) => void response.end());
    const there = await visit();
    for (const headers of [
      {},
      { origin: url() },
      { origin: 'null' },
      { origin: `https://${there.host}` },
      { origin: `http://${there.host}.evil.example` },
      { ...own(there), cookie: '' },
      { origin: `http://${newLabel()}.run.localhost:${port()}` },
    ] as Record<string, string>[]) {
      const { response } = await upgrade(there, headers);
      expect([headers, response.statusCode]).toEqual([headers, 403]);
    }
    expect(program.asked).toHaveLength(0);
  });

  it('is refused as the program refuses it, or as it is away', async () => {
    await startProgram((_request, response) => void response.end());
    const there = await visit();
    const { response } = await upgrade(there, own(there), '/refused');
    expect([response.statusCode, response.headers['x-why'], (await buffer(response)).toString()]).toEqual([418, 'tea', 'nope']);
    expect((await upgrade(there, own(there), '/silent', impatient())).response.statusCode).toBe(504);
    held.upstream = { host: '127.0.0.1', port: 1 };
    expect((await upgrade(there, own(there))).response.statusCode).toBe(502);
    held.upstream = null;
    expect((await upgrade(there, own(there))).response.statusCode).toBe(502);
  });

  it('ends with its opening, and so does an answer that goes on', async () => {
    const program = await startProgram((_request, response) => void response.write('for ever'));
    const there = await visit();
    const { socket } = await upgrade(there, own(there));
    if (socket === undefined) throw new Error('Refused');
    const sent = ask({ host: '127.0.0.1', port: port(), path: '/', agent: false, headers: { host: there.host, cookie: there.cookie } });
    sent.on('error', () => {}).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const ended = [socket, response].map(
      (stream) =>
        new Promise(
          (resolve) =>
            void stream
              .on('error', () => {})
              .once('close', resolve)
              .resume(),
        ),
    );
    expect(program.connections()).toBe(2);
    await opened().database.db.deleteFrom('content_openings').where('label', '=', there.label).execute();
    await Promise.all(ended);
    await expect.poll(() => program.connections()).toBe(0);
  });

  it('of bytes that are no HTTP any more does not end the server', async () => {
    await startProgram((_request, response) => void response.end('alive'));
    const there = await visit();
    for (let round = 0; round < 5; round += 1) {
      const socket = connect(port(), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(
        `GET / HTTP/1.1\r\nHost: ${there.host}\r\nOrigin: http://${there.host}\r\nCookie: ${there.cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\u0000garbage`,
      );
      socket.destroySoon();
      await once(socket, 'close');
    }
    expect((await send(there)).text).toBe('alive');
  });
});

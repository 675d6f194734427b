import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { nodeFetch } from './node-fetch.ts';
import { smallServer } from './testing/small-server.ts';

const PUT = { method: 'PUT', body: new Uint8Array() };

describe('bytes that are sent by Node', () => {
  test('arrive as they are, with the headers given, and the answer is a Response', async () => {
    let arrived: Buffer = Buffer.alloc(0);
    await using server = await smallServer((_request, response, body) => {
      arrived = body;
      response.writeHead(201, { 'content-type': 'application/json', etag: '"x"', 'set-cookie': ['a=1', 'b=2'] }).end('{"a":"あ"}');
    });
    const bytes = randomBytes(3_000_000);
    const sent = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length).subarray(5);
    const response = await nodeFetch(`${server.url}/some/where?a=b`, { method: 'PUT', headers: { 'x-checksum': 'abc' }, body: sent });
    expect(arrived.equals(sent)).toBe(true);
    expect(server.requests[0]).toMatchObject({
      method: 'PUT',
      url: '/some/where?a=b',
      headers: { 'x-checksum': 'abc', 'content-length': String(sent.length) },
    });
    expect({ status: response.status, ok: response.ok, etag: response.headers.get('etag'), cookies: response.headers.getSetCookie() }).toEqual({
      status: 201,
      ok: true,
      etag: '"x"',
      cookies: ['a=1', 'b=2'],
    });
    expect(await response.json()).toEqual({ a: 'あ' });
  });

  test.each([204, 307, 400, 503])('are answered with %i, which is no error of the connection', async (status) => {
    await using server = await smallServer((_request, response) => response.writeHead(status, { location: '/elsewhere' }).end());
    expect((await nodeFetch(server.url, PUT)).status).toBe(status);
    expect(server.requests).toHaveLength(1);
  });

  test('use a connection again', async () => {
    await using server = await smallServer((_request, response) => response.end('done'));
    for (let time = 0; time < 3; time += 1) await nodeFetch(server.url, { ...PUT, body: randomBytes(100_000) });
    expect(new Set(server.requests.map(({ socket }) => socket)).size).toBe(1);
  });

  test('fail as fetch does when nothing listens, or the connection breaks off in the middle of the answer', async () => {
    const gone = await smallServer(() => {});
    await gone[Symbol.asyncDispose]();
    await expect(nodeFetch(gone.url, PUT)).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'ECONNREFUSED' } });
    await using breaking = await smallServer((request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => request.socket.destroy());
    });
    await expect(nodeFetch(breaking.url, PUT)).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'ECONNRESET' } });
  });

  test('are no longer sent once their signal says so', async () => {
    await using server = await smallServer(() => {});
    const stop = new AbortController();
    const sending = nodeFetch(server.url, { ...PUT, signal: stop.signal });
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(sending).rejects.toBe(reason);
    await expect(nodeFetch(server.url, { ...PUT, signal: stop.signal })).rejects.toBe(reason);
  });
});

test('what has other bodies, or none, is sent by Node itself', async () => {
  await using server = await smallServer((_request, response, body) => response.end(body));
  expect(await (await nodeFetch(server.url, { method: 'POST', body: 'a text' })).text()).toBe('a text');
  expect((await nodeFetch(server.url)).status).toBe(200);
});

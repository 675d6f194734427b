import { describe, expect, test } from 'vitest';
import { getLineage } from '@sodate/contract/lineage.ts';
import { getHealth } from '@sodate/contract/health.ts';
import { getLog, listRuns } from '@sodate/contract/run-routes.ts';
import { getMe } from '@sodate/contract/session.ts';
import { createTenant, deleteTenant } from '@sodate/contract/tenants.ts';
import type { Backoff } from './backoff.ts';
import { ApiError, ConnectionError, UnexpectedAnswer } from './connection-errors.ts';
import { makeClient } from './make-client.ts';
import { answer, answerError, smallServer } from './testing/small-server.ts';

const backoff: Backoff = { retries: 3, firstDelayMs: 1, longestDelayMs: 2 };
const health = { status: 'ok', version: '1', installation: '0190a6c0-0000-7000-8000-000000000001' };
const tenant = {
  id: '0190a6c0-0000-7000-8000-000000000002',
  number: 1,
  name: 'lab',
  displayName: 'Lab',
  quota: { cpu: null, memory: null, gpus: null },
  executors: null,
  dropCapabilities: false,
  createdAt: '2026-01-01T00:00:00Z',
};
const failure = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => expect.unreachable('should have failed'),
    (error: unknown) => error,
  );

describe('what is sent', () => {
  test('path parameters are encoded, lists become repeated query parameters, the token goes along', async () => {
    await using server = await smallServer((_request, response) => answer(response, 200, { items: [], nextCursor: null, total: { count: 0, exact: true } }));
    const client = makeClient({ server: `${server.url}/`, token: 'secret' });
    await client.call(listRuns, { params: { tenant: 'a/b ?#' }, query: { kind: ['training', 'task'], text: 'ä&b', limit: 5, tag: undefined } });
    expect(server.requests[0]?.url).toBe('/v1/tenants/a%2Fb%20%3F%23/runs?kind=training&kind=task&text=%C3%A4%26b&limit=5');
    expect(server.requests[0]?.headers.authorization).toBe('Bearer secret');
  });

  test('id and secret become basic authentication, and a body is JSON with the idempotency key', async () => {
    const bodies: string[] = [];
    await using server = await smallServer((_request, response, body) => {
      bodies.push(body.toString());
      answer(response, 201, tenant);
    });
    const client = makeClient({ server: server.url, basic: { id: 'id', secret: 's' } });
    const created = await client.call(createTenant, { body: { name: 'lab' }, idempotencyKey: 'k1' });
    expect(created.name).toBe('lab');
    expect(bodies).toEqual(['{"name":"lab"}']);
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Basic aWQ6cw==', 'content-type': 'application/json', 'idempotency-key': 'k1' });
  });

  test.each(['', '.', '..'])('the path parameter %j, which would reach another route, is refused', async (id) => {
    const client = makeClient({ server: 'http://127.0.0.1:9' });
    expect(() => client.call(getLineage, { params: { tenant: 't', kind: 'run', id } })).toThrow('id must not be');
  });
});

describe('errors', () => {
  test("an error body becomes an ApiError with the server's text and request id", async () => {
    await using server = await smallServer((_request, response) => answerError(response, 404, 'not-found', 'There is no tenant x here.'));
    const error = await failure(makeClient({ server: server.url }).call(getMe));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: 'not-found', message: 'There is no tenant x here.', requestId: 'request-1', status: 404 });
  });

  test('a code of a newer server keeps its text', async () => {
    await using server = await smallServer((_request, response) => answerError(response, 409, 'never-heard-of', 'Do this.'));
    expect(await failure(makeClient({ server: server.url }).call(getMe))).toMatchObject({ code: 'invalid-request', message: 'Do this.' });
  });

  test('the page of another program is named as such', async () => {
    await using server = await smallServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'));
    const error = await failure(makeClient({ server: server.url }).call(getMe));
    expect(error).toBeInstanceOf(UnexpectedAnswer);
    expect(String(error)).toContain('text/html, which is not this API');
  });

  test('a redirect is not followed but told', async () => {
    await using server = await smallServer((_request, response) => response.writeHead(301, { location: 'https://new.example/' }).end());
    expect(String(await failure(makeClient({ server: server.url }).call(getMe)))).toContain('redirects to https://new.example/');
  });

  test('an answer of another form is not let through', async () => {
    await using server = await smallServer((_request, response) => answer(response, 200, { status: 'ok' }));
    expect(String(await failure(makeClient({ server: server.url }).call(getHealth)))).toContain('answer to health.get does not have the form');
  });

  test('nothing listening is said in words', async () => {
    const server = await smallServer(() => undefined);
    await server[Symbol.asyncDispose]();
    const error = await failure(makeClient({ server: server.url, backoff }).call(getHealth));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(String(error)).toContain(`Nothing answers at ${server.url}`);
  });

  test('an aborted call throws the reason', async () => {
    await using server = await smallServer(() => undefined);
    const abort = new AbortController();
    const call = failure(makeClient({ server: server.url }).call(getHealth, { signal: abort.signal }));
    abort.abort(new Error('enough'));
    expect(String(await call)).toContain('enough');
  });
});

describe('trying again', () => {
  const failTwice = (fail: 'cut' | 'cut-body' | '503' | '502') => {
    let failures = 0;
    return smallServer((_request, response) => {
      failures += 1;
      if (failures > 2) answer(response, 200, health);
      else if (fail === 'cut') response.destroy();
      else if (fail === 'cut-body') {
        response.writeHead(200, { 'content-length': '100', 'content-type': 'application/json' });
        response.write('{"sta', () => response.destroy());
      } else if (fail === '503') answerError(response, 503, 'database-unavailable');
      else response.writeHead(502, { 'content-type': 'text/html' }).end('<html>');
    });
  };

  test.each(['cut', 'cut-body', '503', '502'] as const)('a GET outlives two failures of the kind %s', async (fail) => {
    await using server = await failTwice(fail);
    expect((await makeClient({ server: server.url, backoff }).call(getHealth)).status).toBe('ok');
    expect(server.requests).toHaveLength(3);
  });

  test('the number of tries is limited', async () => {
    await using server = await smallServer((_request, response) => response.destroy());
    expect(await failure(makeClient({ server: server.url, backoff }).call(getHealth))).toBeInstanceOf(ConnectionError);
    expect(server.requests).toHaveLength(4);
  });

  test('a creation is repeated with a key, and never without', async () => {
    let seen = 0;
    await using server = await smallServer((_request, response) => {
      seen += 1;
      if (seen % 2 === 1) response.destroy();
      else answer(response, 201, tenant);
    });
    const client = makeClient({ server: server.url, backoff });
    expect((await client.call(createTenant, { body: { name: 'lab' }, idempotencyKey: 'k' })).name).toBe('lab');
    expect(await failure(client.call(createTenant, { body: { name: 'lab' } }))).toBeInstanceOf(ConnectionError);
    expect(server.requests.map((request) => request.headers['idempotency-key'])).toEqual(['k', 'k', undefined]);
  });

  test('a deletion and a refusal are not repeated', async () => {
    await using server = await smallServer((request, response) =>
      request.method === 'DELETE' ? response.destroy() : answerError(response, 401, 'not-signed-in'),
    );
    const client = makeClient({ server: server.url, backoff });
    expect(await failure(client.call(deleteTenant, { params: { tenant: 'x' } }))).toBeInstanceOf(ConnectionError);
    expect(await failure(client.call(getMe))).toMatchObject({ code: 'not-signed-in' });
    expect(server.requests).toHaveLength(2);
  });
});

test('204 answers with nothing, and bytes come as they are', async () => {
  await using server = await smallServer((request, response) =>
    request.method === 'DELETE' ? response.writeHead(204).end() : response.writeHead(200, { 'content-type': 'text/plain' }).end(Buffer.from([0, 255, 10])),
  );
  const client = makeClient({ server: server.url });
  expect(await client.call(deleteTenant, { params: { tenant: 'x' } })).toBeUndefined();
  const response = await client.bytes(getLog, { params: { tenant: 't', run: 'task-1' }, query: { offset: -3 } });
  expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 255, 10]);
});

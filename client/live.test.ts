import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { Backoff } from './backoff.ts';
import { type Change, followChanges, followLog, type LogBatch } from './live.ts';
import { makeClient } from './make-client.ts';
import { answerError, smallServer } from './testing/small-server.ts';

const backoff: Backoff = { retries: 3, firstDelayMs: 1, longestDelayMs: 2 };
const never = new AbortController().signal;
const where = { tenant: 't', run: 'task-1', backoff };

const open = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream' });
const logEvent = (attempt: number, start: number, bytes: Buffer): string =>
  `event: log\nid: ${attempt}:${start + bytes.length}\ndata: ${JSON.stringify({ attempt, offset: start + bytes.length, bytes: bytes.toString('base64') })}\n\n`;

const collect = async (batches: AsyncIterable<LogBatch>): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  for await (const batch of batches) all.push(batch.bytes);
  return Buffer.concat(all);
};

describe('the log', () => {
  test('cut in the middle, in the middle of an event, and before anything, it still arrives once and whole', async () => {
    const log = Buffer.from(Array.from({ length: 1000 }, (_nothing, at) => at % 256));
    let connection = 0;
    await using server = await smallServer((request, response) => {
      connection += 1;
      const from = Number((request.headers['last-event-id'] as string | undefined)?.split(':')[1] ?? 0);
      const next = logEvent(1, from, log.subarray(from, from + 300));
      if (connection === 1) return response.destroy();
      if (connection === 5) return answerError(response, 503, 'shutting-down');
      open(response);
      if (connection === 3) return response.write(next.slice(0, 40), () => response.destroy());
      if (connection === 4) return response.write(next, () => response.destroy());
      if (from < log.length) response.end(next);
      else response.end('event: end\ndata: {}\n\n');
    });
    expect(await collect(followLog(makeClient({ server: server.url, backoff }), where, never))).toEqual(log);
  });

  test('a server that resumes too early does not make bytes come twice, and tries follow each other', async () => {
    let connection = 0;
    await using server = await smallServer((_request, response) => {
      connection += 1;
      open(response);
      if (connection === 1) response.end(logEvent(1, 0, Buffer.from('one two ')));
      else response.end(`: alive\n\n${logEvent(1, 4, Buffer.from('two three '))}${logEvent(2, 0, Buffer.from('again'))}event: end\ndata: {}\n\n`);
    });
    expect((await collect(followLog(makeClient({ server: server.url, backoff }), where, never))).toString()).toBe('one two three again');
  });

  test('the place to begin goes along, and a refusal is not tried again', async () => {
    await using server = await smallServer((_request, response) => answerError(response, 404, 'not-found'));
    const follow = collect(followLog(makeClient({ server: server.url, backoff }), { ...where, attempt: 2, offset: -100 }, never));
    await expect(follow).rejects.toMatchObject({ code: 'not-found' });
    expect(server.requests.map((request) => request.url)).toEqual(['/v1/tenants/t/runs/task-1/log/live?attempt=2&offset=-100']);
  });

  test('a stream that always ends at once is given up', async () => {
    await using server = await smallServer((_request, response) => open(response).end());
    await expect(collect(followLog(makeClient({ server: server.url, backoff }), where, never))).rejects.toThrow('broke off');
    expect(server.requests).toHaveLength(4);
  });

  test('leaving early closes the connection', async () => {
    let onClose: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (onClose = resolve));
    await using server = await smallServer((_request, response) => {
      response.on('close', onClose);
      open(response).write(logEvent(1, 0, Buffer.from('x')));
    });
    for await (const batch of followLog(makeClient({ server: server.url }), where, never)) {
      expect(batch).toMatchObject({ attempt: 1, offset: 1 });
      break;
    }
    await gone;
  });

  test('aborting ends the wait', async () => {
    await using server = await smallServer((_request, response) => void open(response).write(logEvent(1, 0, Buffer.from('x'))));
    const abort = new AbortController();
    const follow = (async () => {
      for await (const _batch of followLog(makeClient({ server: server.url }), where, abort.signal)) abort.abort(new Error('enough'));
    })();
    await expect(follow).rejects.toThrow('enough');
  });

  test('a page instead of a stream is told', async () => {
    await using server = await smallServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'));
    await expect(collect(followLog(makeClient({ server: server.url, backoff }), where, never))).rejects.toThrow('text/html where an event stream was expected');
  });
});

test('changes come one by one, and with each connection a reload', async () => {
  const id = '0190a6c0-0000-7000-8000-000000000001';
  const change = (kind: string): string => `event: change\ndata: ${JSON.stringify({ topic: 'run', id, change: kind })}\n\n`;
  let connection = 0;
  await using server = await smallServer((_request, response) => {
    connection += 1;
    open(response).write(change(connection === 1 ? 'created' : 'updated'), () => connection === 1 && response.destroy());
  });
  const abort = new AbortController();
  const seen: Change[] = [];
  for await (const one of followChanges(makeClient({ server: server.url }), 't', abort.signal, backoff)) {
    seen.push(one);
    if (seen.length === 4) break;
  }
  expect(seen.map((one) => (one.kind === 'change' ? one.event.change : one.kind))).toEqual(['reload', 'created', 'reload', 'updated']);
});

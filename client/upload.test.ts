import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Backoff } from './backoff.ts';
import { makeClient } from './make-client.ts';
import { answer, answerError, smallServer, type SmallServer } from './testing/small-server.ts';
import { type SourceFile, uploadFiles, type UploadProgress } from './upload.ts';

const backoff: Backoff = { retries: 12, firstDelayMs: 1, longestDelayMs: 2 };
const PART = 10;

interface Trouble {
  /** What to do to a request instead of answering; `after` = do the work, then cut. */
  (what: 'start' | 'part' | 'complete' | 'get', count: number): 'cut' | 'cut-after' | 'expired' | 'unavailable' | null;
}

/** The part protocol in memory, with troubles. */
async function uploadServer(trouble: Trouble): Promise<{ server: SmallServer; files: Map<string, Buffer>; counts: Record<string, number> }> {
  const uploads = new Map<string, { name: string; size: number; parts: Map<number, Buffer> }>();
  const files = new Map<string, Buffer>();
  const counts: Record<string, number> = { start: 0, part: 0, complete: 0, get: 0 };
  const show = (id: string) => {
    const upload = uploads.get(id);
    if (upload === undefined) throw new Error(id);
    const { name, size, parts } = upload;
    const partUrl = `/v1/uploads/${id}/parts/{part}?expires=1&signature=s`;
    return { id, name, size, partSize: PART, partCount: Math.ceil(size / PART), partUrl, received: [...parts.keys()], expiresAt: '2026-01-01T00:00:00Z' };
  };
  const server = await smallServer((request, response, body) => {
    const url = request.url ?? '';
    const part = /^\/v1\/uploads\/([^/]+)\/parts\/(\d+)\?/.exec(url);
    const what = part !== null ? 'part' : url.endsWith('/complete') ? 'complete' : request.method === 'POST' ? 'start' : 'get';
    counts[what] = (counts[what] ?? 0) + 1;
    const how = trouble(what, counts[what]);
    if (how === 'cut') return response.destroy();
    if (how === 'expired') return answerError(response, 403, 'signature-not-valid');
    if (how === 'unavailable') return answerError(response, 503, 'database-unavailable');
    const send = (status: number, value: unknown): void => void (how === 'cut-after' ? response.destroy() : answer(response, status, value));
    if (part !== null) {
      if (request.headers.authorization !== undefined) return answerError(response, 400, 'invalid-request', 'a signed address needs no token');
      uploads.get(part[1] ?? '')?.parts.set(Number(part[2]), body);
      return send(200, { etag: 'e' });
    }
    if (what === 'get' && url.includes('/uploads/')) return send(200, show(url.split('/').at(-1) ?? ''));
    if (what === 'get') {
      const items = [...files].map(([name, bytes]) => ({ id: randomUUID(), name, size: bytes.length, digest: 'sha256:0' }));
      return send(200, { items, nextCursor: null, total: { count: items.length, exact: true } });
    }
    const json = JSON.parse(body.toString()) as { files: { name: string; size: number }[]; uploads: { id: string }[] };
    if (what === 'start') {
      const started = json.files.map(({ name, size }) => {
        const id = randomUUID();
        uploads.set(id, { name, size, parts: new Map() });
        return show(id);
      });
      return send(201, { uploads: started });
    }
    if (json.uploads.some(({ id }) => !uploads.has(id))) return answerError(response, 404, 'not-found');
    const done = json.uploads.map(({ id }) => {
      const upload = show(id);
      const parts = uploads.get(id)?.parts ?? new Map<number, Buffer>();
      const bytes = Buffer.concat([...parts].toSorted(([a], [b]) => a - b).map(([, chunk]) => chunk));
      expect(bytes.length).toBe(upload.size);
      files.set(upload.name, bytes);
      uploads.delete(id);
      return { id: randomUUID(), name: upload.name, size: upload.size, digest: 'sha256:0' };
    });
    send(201, { files: done });
  });
  return { server, files, counts };
}

const source = (name: string, bytes: Buffer): SourceFile => ({
  name,
  size: bytes.length,
  read: (start, end) => Promise.resolve(new Blob([new Uint8Array(bytes.subarray(start, end))])),
});

async function check(trouble: Trouble, contents: Record<string, Buffer>): Promise<Record<string, number>> {
  const { server, files, counts } = await uploadServer(trouble);
  await using _closed = server;
  const progress: UploadProgress[] = [];
  const stored = await uploadFiles(makeClient({ server: server.url, token: 's', backoff }), {
    tenant: 't',
    data: '1',
    files: Object.entries(contents).map(([name, bytes]) => source(name, bytes)),
    onProgress: (one) => progress.push(one),
    backoff,
    bundleUpToBytes: 0,
  });
  expect(Object.fromEntries(files)).toEqual(contents);
  expect(stored.map((file) => file.name).toSorted()).toEqual(Object.keys(contents).toSorted());
  const bytes = Object.values(contents).reduce((sum, content) => sum + content.length, 0);
  const last = Object.keys(contents).length;
  expect(progress.at(-1)).toEqual({ files: last, filesDone: last, bytes, bytesSent: bytes });
  return counts;
}

const three = { 'a/b.bin': Buffer.from('0123456789abcdefghijKLM'), empty: Buffer.alloc(0), '犬.png': Buffer.from('exactly 10') };

describe('an upload', () => {
  test('sends parts, also of an exact multiple and of nothing', async () => {
    expect(await check(() => null, three)).toEqual({ start: 1, part: 4, complete: 1, get: 0 });
  });

  test('goes in batches', async () => {
    const many = Object.fromEntries(Array.from({ length: 401 }, (_nothing, at) => [`f${at}`, Buffer.from(`c ${at}`)]));
    expect(await check(() => null, many)).toMatchObject({ start: 5, part: 401, complete: 5 });
  });

  test('outlives cut connections and an unavailable server anywhere', async () => {
    const counts = await check((what, count) => (what === 'get' ? null : count % 3 === 1 ? 'cut' : count % 3 === 2 ? 'unavailable' : null), three);
    expect(counts['complete']).toBe(3);
  });

  test('does not send again what arrived although its answer was lost', async () => {
    expect(await check((what, count) => (what === 'part' && count <= 2 ? 'cut-after' : null), three)).toMatchObject({ part: 4, get: 2 });
  });

  test('gets a fresh address when the signed one has run out', async () => {
    expect(await check((what, count) => (what === 'part' && count === 1 ? 'expired' : null), three)).toMatchObject({ part: 5, get: 1 });
  });

  test('recognises that a completion whose answer was lost has been done', async () => {
    expect(await check((what, count) => (what === 'complete' && count === 1 ? 'cut-after' : null), three)).toMatchObject({ complete: 2 });
  });

  test('gives up after a limited number of tries, and stops the other parts', async () => {
    const { server, counts, files } = await uploadServer((what) => (what === 'part' ? 'cut' : null));
    await using _closed = server;
    const long = source('long', Buffer.alloc(1000));
    const upload = uploadFiles(makeClient({ server: server.url, backoff }), { tenant: 't', data: '1', files: [long], backoff, bundleUpToBytes: 0 });
    await expect(upload).rejects.toThrow('broke off');
    expect(counts['part']).toBeLessThanOrEqual(4 * (backoff.retries + 1));
    expect(files.size).toBe(0);
  });

  test.each(['../../x', 'a\nb', 'a//b', '/etc/passwd', 'x'.repeat(256)])('refuses the name %j before anything is sent', async (name) => {
    const { server } = await uploadServer(() => null);
    await using _closed = server;
    const upload = uploadFiles(makeClient({ server: server.url }), {
      tenant: 't',
      data: '1',
      files: [source('ok', Buffer.from('x')), source(name, Buffer.from('x'))],
    });
    await expect(upload).rejects.toThrow('the file name');
    expect(server.requests).toHaveLength(0);
  });
});

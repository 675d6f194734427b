import { makeClient } from '@sodate/client/make-client.ts';
import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it, vi } from 'vitest';
import { idOf } from '../testing/canned-runs.ts';
import { createUploads } from './uploads.ts';

const ADA = { id: idOf(900), name: 'ada', displayName: 'Ada' };
const PART_BYTES = 4;

/** The upload protocol by parts as a server in memory keeps it: enough to see what is sent, and how often. */
function makeStore() {
  const state = { parts: [] as string[], stored: [] as string[], deleted: 0, made: 0, refuseParts: false };
  const names = new Map<string, string>();
  const answer = (status: number, body: unknown): Response => new Response(body === undefined ? null : JSON.stringify(body), { status });
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const path = String(input).split('?')[0] ?? '';
    const body = typeof init?.body === 'string' ? (JSON.parse(init.body) as Record<string, never>) : {};
    if (path.endsWith('/data')) {
      state.made += 1;
      const data = { id: idOf(state.made), number: state.made, name: body['name'], memo: '', tags: [], parent: null, fileCount: 0, totalSize: 0 };
      return answer(201, { ...data, createdAt: '2026-01-01T00:00:00Z', createdBy: ADA });
    }
    if (path.endsWith('/uploads')) {
      const files = body['files'] as unknown as { name: string; size: number }[];
      const uploads = files.map(({ name, size }) => {
        const id = idOf(100 + names.size);
        names.set(id, name);
        const partCount = Math.ceil(size / PART_BYTES);
        return { id, name, size, partSize: PART_BYTES, partCount, partUrl: `/v1/uploads/${id}/parts/{part}`, received: [], expiresAt: '2026-01-01T00:00:00Z' };
      });
      return answer(201, { uploads });
    }
    const part = /\/uploads\/(.+)\/parts\/(\d+)$/.exec(path);
    if (part !== null) {
      const refused = { code: 'disk-full', message: 'full', params: { place: 'objects' }, requestId: 'r' };
      if (state.refuseParts) return answer(507, refused);
      state.parts.push(`${names.get(part[1] ?? '')} ${part[2]}`);
      return answer(200, { etag: 'x' });
    }
    if (path.endsWith('/uploads/complete')) {
      const done = (body['uploads'] as unknown as { id: string }[]).map(({ id }) => names.get(id) ?? '');
      state.stored.push(...done);
      return answer(201, { files: done.map((name) => ({ id: idOf(500), name, size: 1, digest: 'sha256:0' })) });
    }
    if (path.endsWith('/files')) {
      const items = state.stored.map((name, index) => ({ id: idOf(500 + index), name, size: 1, digest: 'sha256:0' }));
      return answer(200, { items, nextCursor: null, total: { count: items.length, exact: true } });
    }
    if (init?.method === 'DELETE') {
      state.deleted += 1;
      return answer(204, undefined);
    }
    throw new Error(`not foreseen: ${init?.method} ${path}`);
  };
  const client = makeClient({ server: 'http://store', fetch, backoff: { retries: 0, firstDelayMs: 1, longestDelayMs: 1 } });
  return { state, uploads: createUploads(client, new QueryClient(), { bundleUpToBytes: 0 }) };
}

const file = (name: string, bytes: number) => ({ path: name, file: new File(['x'.repeat(bytes)], name) });
const plan = (...groups: (readonly [name: string, bytes: number])[]) => ({
  tenant: 'vision',
  title: 'test',
  tags: [],
  memo: '',
  groups: groups.map(([name, bytes]) => ({ name, files: [file(name, bytes)] })),
});

describe('uploads in a page', () => {
  it('make a data of each group and report how far they are', async () => {
    const { state, uploads } = makeStore();
    uploads.start(plan(['a', 9], ['b', 0]));
    await vi.waitFor(() => expect(uploads.get()[0]?.state).toBe('done'));
    expect(state.parts).toEqual(['a 1', 'a 2', 'a 3']);
    expect([...state.stored].sort()).toEqual(['a', 'b']);
    expect(uploads.get()[0]).toMatchObject({ files: 2, bytes: 9, bytesSent: 9 });
    expect([...(uploads.get()[0]?.numbers ?? [])].sort()).toEqual([1, 2]);
    uploads.dismiss(1);
    expect(uploads.get()).toEqual([]);
  });

  it('send nothing while they are paused, and everything afterwards', async () => {
    const { state, uploads } = makeStore();
    uploads.start(plan(['a', 9]));
    uploads.pause(1);
    await vi.waitFor(() => expect(state.made).toBe(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(state.parts).toEqual([]);
    expect(uploads.get()[0]?.state).toBe('paused');
    uploads.resume(1);
    await vi.waitFor(() => expect(uploads.get()[0]?.state).toBe('done'));
    expect(state.parts).toHaveLength(3);
  });

  it('go on after a failure without making or sending anything twice', async () => {
    const { state, uploads } = makeStore();
    state.refuseParts = true;
    uploads.start(plan(['empty', 0], ['b', 5]));
    await vi.waitFor(() => expect(uploads.get()[0]?.state).toBe('failed'));
    expect(uploads.get()[0]?.error).toMatchObject({ code: 'disk-full' });
    const { made } = state;
    state.refuseParts = false;
    uploads.resume(1);
    await vi.waitFor(() => expect(uploads.get()[0]?.state).toBe('done'));
    expect([...state.stored].sort()).toEqual(['b', 'empty']);
    expect(state.made).toBe(made);
    expect(state.parts).toEqual(['b 1', 'b 2']);
  });

  it('take away what they had begun when they are cancelled, and nothing else', async () => {
    const { state, uploads } = makeStore();
    state.refuseParts = true;
    uploads.start(plan(['b', 5]));
    await vi.waitFor(() => expect(uploads.get()[0]?.state).toBe('failed'));
    uploads.cancel(1);
    await vi.waitFor(() => expect(state.deleted).toBe(1));
    expect(uploads.get()).toEqual([]);
    uploads.start({ ...plan(['c', 5]), into: { id: idOf(77), number: 77 } });
    await vi.waitFor(() => expect(uploads.get()[0]?.state).toBe('failed'));
    uploads.cancel(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(state.deleted).toBe(1);
  });
});

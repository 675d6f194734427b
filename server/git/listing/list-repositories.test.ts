import { Secret } from '#config/secret.ts';
import type { GitCredential } from '#git/git-credential-store.ts';
import type { StoredServer } from '#git/git-endpoint-store.ts';
import { listRepositoriesAt, type RepositoryQuery } from '#git/listing/list-repositories.ts';
import { usualApiUrl } from '#git/server-address.ts';
import { silentLog } from '#kit/log.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { GitServerKind } from '@sodate/contract/git.ts';
import type { GitEndpointId } from '@sodate/contract/ids.ts';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

/** Stands in for the servers, each as its public description of the API has it. */
const asked: { path: string; query: Record<string, string>; headers: IncomingMessage['headers'] }[] = [];
const held: { url: string; answer: (request: (typeof asked)[number], response: ServerResponse) => unknown } = { url: '', answer: () => null };
const stand = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://any');
  const seen = { path: pathname, query: Object.fromEntries(searchParams), headers: request.headers };
  asked.push(seen);
  const body = held.answer(seen, response);
  if (!response.writableEnded && body !== undefined) response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => stand.listen(0, '127.0.0.1', resolve));
  held.url = `http://127.0.0.1:${(stand.address() as AddressInfo).port}`;
});
beforeEach(() => void asked.splice(0));
afterAll(() => {
  stand.closeAllConnections();
  stand.close();
});

const serverOf = (kind: GitServerKind, more: Partial<StoredServer> = {}): StoredServer => ({
  id: '01900000-0000-7000-8000-000000000001' as GitEndpointId,
  number: 1,
  name: 'ours',
  kind,
  url: held.url,
  apiUrl: usualApiUrl(kind, held.url),
  hostKeys: [],
  lfsHosts: [],
  createdAt: new Date(0),
  ...more,
});
const TOKEN = 'a token of the tests';
const credential: GitCredential = { version: 'v', owner: 'mine', userName: 'hana', token: new Secret(TOKEN), privateKey: null };
const list = (kind: GitServerKind, signedIn: boolean, query: Partial<RepositoryQuery> = {}, more: Partial<StoredServer> = {}) =>
  listRepositoriesAt({ gitRoot: null, log: silentLog }, serverOf(kind, more), signedIn ? credential : null, { limit: 2, ...query });
const named = (field: string, ...names: string[]): object[] => names.map((name, at) => ({ id: at + 41, [field]: name, other: 'things' }));

describe('repositories', () => {
  it('of GitHub: the own ones, those that were searched for, or all public ones', async () => {
    held.answer = ({ path }, response) => {
      response.setHeader('link', '<https://elsewhere.example/?page=2>; rel="next", <https://elsewhere.example/?page=9>; rel="last"');
      return path.endsWith('/search/repositories') ? { total_count: 2, items: named('full_name', 'acme/model') } : named('full_name', 'acme/a', 'acme/b');
    };
    expect(await list('github', true)).toEqual({ items: ['acme/a', 'acme/b'], nextCursor: '2' });
    expect(asked[0]).toMatchObject({ path: '/api/v3/user/repos', query: { per_page: '2', page: '1' }, headers: { authorization: `Bearer ${TOKEN}` } });
    expect(await list('github', true, { text: 'mod" user:x', cursor: '2' })).toEqual({ items: ['acme/model'], nextCursor: '3' });
    expect(asked[1]).toMatchObject({ path: '/api/v3/search/repositories', query: { q: '"mod  user:x" in:name fork:true', page: '2' } });
    expect(await list('github', false)).toEqual({ items: ['acme/a', 'acme/b'], nextCursor: '42' });
    expect(asked[2]?.headers.authorization).toBeUndefined();
    expect(asked[2]).toMatchObject({ path: '/api/v3/repositories' });
  });

  it('of GitLab: those of which one is a member, or public ones', async () => {
    held.answer = ({ query }, response) => {
      response.setHeader('x-next-page', query['page'] === '1' ? '2' : '');
      return named('path_with_namespace', 'group/sub/model');
    };
    expect(await list('gitlab', true, { text: 'model' })).toEqual({ items: ['group/sub/model'], nextCursor: '2' });
    expect(asked[0]).toMatchObject({
      path: '/api/v4/projects',
      query: { membership: 'true', search: 'model', per_page: '2' },
      headers: { 'private-token': TOKEN },
    });
    expect(await list('gitlab', false, { cursor: '2' })).toEqual({ items: ['group/sub/model'], nextCursor: null });
    expect(asked[1]?.query).toMatchObject({ visibility: 'public', page: '2' });
  });

  it('of Gitea: what its search finds', async () => {
    held.answer = ({ query }, response) => {
      if (query['page'] === '1') response.setHeader('link', '<http://x/?page=2>; rel="next"');
      return { ok: true, data: named('full_name', 'team/model', '../odd', '-x/y') };
    };
    expect(await list('gitea', true, { text: 'model', limit: 200 })).toEqual({ items: ['team/model'], nextCursor: '2' });
    expect(asked[0]).toMatchObject({ path: '/api/v1/repos/search', query: { q: 'model', limit: '50' }, headers: { authorization: `token ${TOKEN}` } });
    expect((await list('gitea', true, { cursor: '2' })).nextCursor).toBeNull();
  });

  it('of GitBucket, which knows neither pages nor search, also by password', async () => {
    held.answer = ({ headers }, response) => {
      if (headers.authorization?.startsWith('Basic') !== true) return void response.writeHead(401).end();
      return named('full_name', 'root/c', 'root/a', 'Root/Beta');
    };
    expect(await list('gitbucket', true)).toEqual({ items: ['Root/Beta', 'root/a'], nextCursor: '2' });
    expect(await list('gitbucket', true, { cursor: '2' })).toEqual({ items: ['root/c'], nextCursor: null });
    expect(await list('gitbucket', true, { text: 'BETA' })).toEqual({ items: ['Root/Beta'], nextCursor: null });
    expect(asked.map(({ headers }) => headers.authorization?.split(' ')[0]).slice(0, 2)).toEqual(['token', 'Basic']);
  });

  it.each<[string, GitServerKind, boolean, typeof held.answer, string, Partial<RepositoryQuery>, Partial<StoredServer>]>([
    ['plain', 'plain', true, () => [], 'git-without-list', {}, {}],
    ['401 without a credential', 'gitea', false, (_r, response) => void response.writeHead(401).end(), 'git-sign-in-needed', {}, {}],
    ['401 with one', 'gitea', true, (_r, response) => void response.writeHead(401).end(TOKEN), 'git-sign-in-refused', {}, {}],
    ['403', 'github', true, (_r, response) => void response.writeHead(403).end(), 'git-sign-in-refused', {}, {}],
    ['404', 'gitlab', true, (_r, response) => void response.writeHead(404).end(), 'git-server-unreachable', {}, {}],
    ['500', 'gitlab', true, (_r, response) => void response.writeHead(500).end(TOKEN), 'git-server-unreachable', {}, {}],
    [
      'sends elsewhere',
      'gitlab',
      true,
      (_r, response) => void response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
      'git-server-unreachable',
      {},
      {},
    ],
    ['garbage', 'gitea', true, (_r, response) => void response.end('<html>'), 'git-server-unreachable', {}, {}],
    ['another shape', 'gitea', true, () => [1, 2], 'git-server-unreachable', {}, {}],
    ['too much', 'gitlab', true, (_r, response) => void response.end(Buffer.alloc(9 * 2 ** 20, ' ')), 'git-server-unreachable', {}, {}],
    ['breaks off', 'gitlab', true, (_r, response) => void response.destroy(), 'git-server-unreachable', {}, {}],
    ['no HTTP', 'gitlab', true, (_r, response) => void response.socket?.end('hello\r\n\r\n'), 'git-server-unreachable', {}, {}],
    ['a cursor of somebody else', 'gitlab', true, () => [], 'invalid-cursor', { cursor: 'x' }, {}],
    ['an address of a cloud', 'gitlab', true, () => [], 'git-server-unreachable', {}, { apiUrl: 'http://169.254.169.254/api' }],
    ['nobody there', 'gitlab', true, () => [], 'git-server-unreachable', {}, { apiUrl: 'http://127.0.0.1:9/api' }],
  ])('%s (%s): an error that helps and holds no secret', async (_what, kind, signedIn, answer, code, query, more) => {
    held.answer = answer;
    const error = await list(kind, signedIn, query, more).catch((each: unknown) => each);
    if (!isSodateError(error)) throw error;
    expect(error.code).toBe(code);
    expect(JSON.stringify([error.message, error.params])).not.toContain(TOKEN);
  });
});

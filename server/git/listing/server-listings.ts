import { askServer, type ServerAnswer } from '#git/exchange-with-server.ts';
import { type GitCredential } from '#git/git-credential-store.ts';
import type { StoredServer } from '#git/git-endpoint-store.ts';
import { parseJson } from '#git/lfs-batch.ts';
import { readPageNumber } from '#git/listing/page-number.ts';
import { basicAuthorization } from '#git/reach-server.ts';
import { unreachable } from '#git/server-failure.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { z } from 'zod';

interface Query {
  readonly text?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** One page as the server turns them, or with no `nextCursor` all there are. */
export type Listed = { readonly names: readonly string[] } | { readonly names: readonly string[]; readonly nextCursor: string | null };

interface Conversation {
  readonly server: StoredServer;
  readonly signedIn: boolean;
  get<Shape extends z.ZodType>(
    path: string,
    query: Readonly<Record<string, string>>,
    shape: Shape,
  ): Promise<{ body: z.output<Shape>; headers: ServerAnswer['headers'] }>;
}

const SILENCE_LIMIT_MS = 15_000;

const FullNames = z.array(z.object({ full_name: z.string() }));
const NumberedNames = z.array(z.object({ id: z.number(), full_name: z.string() }));
const SearchAnswer = z.object({ items: FullNames });
const GiteaAnswer = z.object({ data: FullNames });
const GitLabAnswer = z.array(z.object({ path_with_namespace: z.string() }));

/** Repositories of a server as it lists them for this credential. @throws SodateError */
export async function askedRepositories(server: StoredServer, credential: GitCredential | null, query: Query): Promise<Listed> {
  switch (server.kind) {
    case 'plain':
      throw new SodateError('git-without-list', { endpoint: server.name });
    case 'github':
      return fromGitHub(converse(server, credential, bearer), query);
    case 'gitlab':
      return fromGitLab(
        converse(server, credential, (token) => ({ 'private-token': token })),
        query,
      );
    case 'gitea':
      return fromGitea(converse(server, credential, tokenOf), query);
    case 'gitbucket':
      return fromGitBucket(converse(server, credential, tokenOf), query);
  }
}

const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });
const tokenOf = (token: string): Readonly<Record<string, string>> => ({ authorization: `token ${token}` });

const pageOf = ({ cursor }: Query): number => (cursor === undefined ? 1 : readPageNumber(cursor));
const hasNext = (headers: ServerAnswer['headers']): boolean => /<[^>]*>[^,]*;\s*rel="?next"?/.test(String(headers['link'] ?? ''));

/**
 * Search for what was typed; without it the caller's own, or for nobody in particular all public ones, which go by
 * number instead of pages.
 */
async function fromGitHub({ signedIn, get }: Conversation, query: Query): Promise<Listed> {
  const size = String(Math.min(query.limit, 100));
  if (query.text === undefined && !signedIn) {
    const { body } = await get('repositories', query.cursor === undefined ? {} : { since: String(readPageNumber(query.cursor)) }, NumberedNames);
    const last = body.at(-1);
    return { names: body.map((each) => each.full_name), nextCursor: last === undefined ? null : String(last.id) };
  }
  const page = pageOf(query);
  const paging = { per_page: size, page: String(page) };
  const next = (headers: ServerAnswer['headers']): string | null => (hasNext(headers) ? String(page + 1) : null);
  if (query.text === undefined) {
    const { body, headers } = await get('user/repos', { ...paging, sort: 'full_name' }, FullNames);
    return { names: body.map((each) => each.full_name), nextCursor: next(headers) };
  }
  // Quoted, so that what was typed is not read as one of the search's own words.
  const { body, headers } = await get('search/repositories', { ...paging, q: `"${query.text.replaceAll('"', ' ')}" in:name fork:true` }, SearchAnswer);
  return { names: body.items.map((each) => each.full_name), nextCursor: next(headers) };
}

async function fromGitLab({ signedIn, get }: Conversation, query: Query): Promise<Listed> {
  const page = pageOf(query);
  const { body, headers } = await get(
    'projects',
    {
      simple: 'true',
      order_by: 'path',
      sort: 'asc',
      per_page: String(Math.min(query.limit, 100)),
      page: String(page),
      // Else everything public on the whole server is among them.
      ...(signedIn ? { membership: 'true' } : { visibility: 'public' }),
      ...(query.text === undefined ? {} : { search: query.text, search_namespaces: 'true' }),
    },
    GitLabAnswer,
  );
  return {
    names: body.map((each) => each.path_with_namespace),
    nextCursor: String(headers['x-next-page'] ?? '') !== '' || hasNext(headers) ? String(page + 1) : null,
  };
}

async function fromGitea({ get }: Conversation, query: Query): Promise<Listed> {
  const page = pageOf(query);
  // Fifty is what it gives at once unless configured otherwise; with more the pages would not fit together.
  const size = Math.min(query.limit, 50);
  const { body, headers } = await get(
    'repos/search',
    { limit: String(size), page: String(page), sort: 'alpha', order: 'asc', ...(query.text === undefined ? {} : { q: query.text }) },
    GiteaAnswer,
  );
  return { names: body.data.map((each) => each.full_name), nextCursor: hasNext(headers) ? String(page + 1) : null };
}

/** It has neither pages nor search. */
async function fromGitBucket({ get }: Conversation, _query: Query): Promise<Listed> {
  const { body } = await get('repositories', {}, FullNames);
  return { names: body.map((each) => each.full_name).sort() };
}

/** @param authorize how this kind of server is shown a token */
function converse(server: StoredServer, credential: GitCredential | null, authorize: (token: string) => Readonly<Record<string, string>>): Conversation {
  const token = credential?.token?.reveal() ?? null;
  const basic = credential === null ? null : basicAuthorization(credential);
  const ask = (url: URL, headers: Readonly<Record<string, string>>): Promise<ServerAnswer> =>
    askServer(server, url, { headers: { accept: 'application/json', ...headers }, silenceLimitMs: SILENCE_LIMIT_MS });

  return {
    server,
    signedIn: token !== null,
    async get(path, query, shape) {
      if (server.apiUrl === null) throw new SodateError('git-without-list', { endpoint: server.name });
      const url = new URL(`${server.apiUrl}/${path}?${new URLSearchParams(query).toString()}`);
      const first = await ask(url, token === null ? {} : authorize(token));
      // A password instead of a token opens the servers that know passwords.
      const answer = first.status === 401 && basic !== null ? await ask(url, { authorization: basic.reveal() }) : first;
      refuseUnlessListed(server, credential, answer);
      const body = shape.safeParse(parseJson(answer.body));
      if (!body.success)
        throw unreachable(
          server,
          `what answers at ${url.host} is not the API of a server of the kind ${server.kind}. Check its kind and the address of its API`,
        );
      return { body: body.data, headers: answer.headers };
    },
  };
}

function refuseUnlessListed(server: StoredServer, credential: GitCredential | null, { status }: ServerAnswer): void {
  if (status === 200) return;
  const about = { endpoint: server.name, repository: 'the list of repositories' };
  if (status === 401 || status === 403) {
    if (credential === null || credential.token === null) throw new SodateError('git-sign-in-needed', about);
    throw new SodateError('git-sign-in-refused', { ...about, owner: credential.owner === 'mine' ? 'this person' : 'this tenant' });
  }
  if (status === 404) throw unreachable(server, `it has no API at ${server.apiUrl}. Check its kind and the address of its API`);
  if (status >= 300 && status < 400)
    throw unreachable(server, 'it sends us on to another address, which is not followed. If that is right, register that address instead');
  if (status === 429) throw unreachable(server, 'it has been asked too often (status 429). Try again later');
  throw unreachable(server, `it answers with the status ${status}`);
}

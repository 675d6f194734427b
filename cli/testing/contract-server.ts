/** For tests: a real HTTP server that speaks the contract. What a test does not bind answers 500; what leaves the contract's form throws. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { z } from 'zod';
import { ERROR_CATALOGUE, errorText, isSodateError, SodateError } from '@sodate/contract/errors.ts';
import type { Route } from '@sodate/contract/route.ts';
import { ALL_ROUTES } from '@sodate/contract/routes.ts';

interface Seen<R extends Route> {
  readonly params: z.output<R['params']>;
  readonly query: z.output<R['query']>;
  readonly body: z.output<R['body']>;
  readonly bytes: Buffer;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}
type Handler = (seen: Seen<Route>) => unknown;

export interface ContractServer extends AsyncDisposable {
  readonly url: string;
  readonly calls: {
    readonly route: string;
    readonly authorization: string | undefined;
    readonly body: unknown;
    readonly query: unknown;
    readonly params: unknown;
  }[];
  /** Throw a `SodateError` to answer with it. */
  on<R extends Route>(route: R, handler: (seen: Seen<R>) => z.input<R['response']> | Promise<z.input<R['response']>>): ContractServer;
}

export async function contractServer(): Promise<ContractServer> {
  const handlers = new Map<string, Handler>();
  const calls: ContractServer['calls'] = [];
  const patterns = ALL_ROUTES.map((route) => ({ route, pattern: new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`) }));

  async function answer(request: IncomingMessage, response: ServerResponse, bytes: Buffer): Promise<void> {
    const url = new URL(request.url ?? '', 'http://x');
    const found = patterns.find(({ route, pattern }) => route.method === request.method && pattern.test(url.pathname));
    if (found === undefined) throw new SodateError('route-not-found', { method: request.method ?? '', path: url.pathname });
    const { route, pattern } = found;
    const given = Object.entries(pattern.exec(url.pathname)?.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]);
    const query = Object.fromEntries(
      [...new Set(url.searchParams.keys())].map((name) => {
        const all = url.searchParams.getAll(name);
        return [name, all.length === 1 ? all[0] : all];
      }),
    );
    const json: unknown = route.takes === 'json' && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined;
    const seen = {
      params: parse(route.params, Object.fromEntries(given)),
      query: parse(route.query, query),
      body: parse(route.body, json),
      bytes,
      request,
      response,
    };
    calls.push({ route: route.id, authorization: request.headers.authorization, body: seen.body, query: seen.query, params: seen.params });
    const handler = handlers.get(route.id);
    if (handler === undefined) throw new Error(`the test binds no ${route.id}`);
    const result = await handler(seen);
    if (route.answers !== 'json') return;
    if (route.status === 204) return void response.writeHead(204).end();
    response.writeHead(route.status, { 'content-type': 'application/json' }).end(JSON.stringify(route.response.parse(result)));
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      answer(request, response, Buffer.concat(chunks)).catch((error: unknown) => {
        const known = isSodateError(error) ? error : new SodateError('internal', { requestId: String(error) });
        const body = { code: known.code, message: errorText(known.code, known.params), params: known.params, requestId: 'request-1' };
        response.writeHead(ERROR_CATALOGUE[known.code].status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: ContractServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    on(route, handler) {
      handlers.set(route.id, handler as Handler);
      return self;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

function parse(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SodateError('invalid-request', { details: parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ') });
}

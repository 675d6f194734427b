import type { z } from 'zod';
import type { Method, Route } from '@sodate/contract/route.ts';
import { type Backoff, persist } from './backoff.ts';
import { buildPath } from './build-path.ts';
import { connectionError, isPassing, readApiError, UnexpectedAnswer } from './connection-errors.ts';

export interface ClientOptions {
  /** `http://host:port`, with a path where a proxy puts one before `/v1`; empty in a page that the server itself served. */
  readonly server: string;
  /** A token's secret, sent as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  /** A token's id and secret, sent as `Authorization: Basic`. */
  readonly basic?: { readonly id: string; readonly secret: string } | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly credentials?: 'omit' | 'same-origin' | 'include' | undefined;
  readonly backoff?: Backoff | undefined;
}

type Field<Name extends string, Value> = {} extends Value
  ? { readonly [Key in Name]?: Value | undefined }
  : undefined extends Value
    ? { readonly [Key in Name]?: Value }
    : { readonly [Key in Name]: Value };

/** What a route takes: only what it needs is required. */
export type CallInput<R extends Route> = Field<'params', z.input<R['params']>> &
  Field<'query', z.input<R['query']>> &
  Field<'body', z.input<R['body']>> & {
    /** Makes a creation safe to repeat: the client then tries again by itself when the connection breaks. */
    readonly idempotencyKey?: string | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly headers?: Readonly<Record<string, string>> | undefined;
  };

type Optional<Input> = {} extends Input ? [input?: Input] : [input: Input];

export interface Exchange {
  readonly method: Method;
  /** Below the server's address, beginning with `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Blob | Uint8Array<ArrayBuffer> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Repeating it does no harm. */
  readonly repeatable: boolean;
  /** Signed addresses carry their own right; sending ours along would only leak it. */
  readonly anonymous?: boolean;
  /** The answer may be a redirect to where the bytes are. */
  readonly mayLeave?: boolean;
}

/**
 * The API as typed calls. Every answer is parsed by the contract; errors are `ApiError` (the server's, a `SodateError`),
 * `ConnectionError` (no answer) or `UnexpectedAnswer` (not from this API). What is safe to repeat, GET and calls with an
 * idempotency key, is tried again a few times when the connection breaks or the server is starting or stopping.
 * It holds no state and never reads the environment.
 */
export interface Client {
  readonly server: string;
  call<R extends Route>(route: R, ...input: Optional<CallInput<R>>): Promise<z.output<R['response']>>;
  /** For routes that answer with bytes or events: the response, its body unread. */
  bytes<R extends Route>(route: R, ...input: Optional<CallInput<R>>): Promise<Response>;
  /** One exchange below the typed calls; answers other than 2xx are thrown as errors. */
  exchange(exchange: Exchange): Promise<Response>;
}

const DEFAULT_BACKOFF: Backoff = { retries: 3, firstDelayMs: 200, longestDelayMs: 2_000 };
/** An error answer is read up to here; ours are far smaller, a proxy's page need not be. */
const ERROR_TEXT_LIMIT = 64 * 1024;

export function makeClient(options: ClientOptions): Client {
  const server = options.server.replace(/\/+$/, '');
  const send = options.fetch ?? globalThis.fetch.bind(globalThis);
  const backoff = options.backoff ?? DEFAULT_BACKOFF;
  const authorization = authorizationOf(options);

  async function once(exchange: Exchange): Promise<Response> {
    const headers: Record<string, string> = { ...exchange.headers };
    if (authorization !== null && exchange.anonymous !== true) headers['authorization'] = authorization;
    let response: Response;
    try {
      response = await send(server + exchange.path, {
        method: exchange.method,
        headers,
        // A followed redirect would turn a POST into a GET; see `unexpected`.
        redirect: 'manual',
        credentials: options.credentials ?? 'same-origin',
        ...(exchange.body === undefined ? {} : { body: exchange.body }),
        ...(exchange.signal === undefined ? {} : { signal: exchange.signal }),
      });
    } catch (error) {
      if (exchange.signal?.aborted === true) throw error;
      throw connectionError(error, server);
    }
    if (response.ok) return response;
    const elsewhere = exchange.mayLeave === true && response.status === 307 ? response.headers.get('location') : null;
    if (elsewhere !== null) return await leave(elsewhere, exchange);
    const text = await readText(response, server, exchange.signal);
    throw readApiError(text, response.status) ?? unexpected(response, server);
  }

  /** Bytes may be at another server, whose address carries its own right; ours must not be sent there. */
  async function leave(address: string, { headers, signal }: Exchange): Promise<Response> {
    const range = headers?.['range'];
    let response: Response;
    try {
      response = await send(address, {
        redirect: 'manual',
        credentials: 'omit',
        ...(range === undefined ? {} : { headers: { range } }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw connectionError(error, new URL(address).origin);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw unexpected(response, new URL(address).origin);
  }

  const exchange = <T>(request: Exchange, read: (response: Response) => Promise<T>): Promise<T> =>
    persist(
      backoff,
      request.signal,
      (error) => request.repeatable && isPassing(error),
      async () => read(await once(request)),
    );

  const toExchange = (route: Route, input: CallInput<Route> | undefined, accept: string): Exchange => {
    const { params, query, body, idempotencyKey, signal, headers } = input ?? {};
    return {
      method: route.method,
      path: buildPath(route.path, (params ?? {}) as Record<string, unknown>, (query ?? {}) as Record<string, unknown>),
      headers: {
        accept,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      repeatable: route.method === 'GET' || (route.idempotent && idempotencyKey !== undefined),
    };
  };

  return {
    server,
    call: <R extends Route>(route: R, ...[input]: Optional<CallInput<R>>) => {
      const request = toExchange(route, input as CallInput<Route> | undefined, 'application/json');
      return exchange(request, (response) => readAnswer(route, response, server, request.signal));
    },
    bytes: <R extends Route>(route: R, ...[input]: Optional<CallInput<R>>) =>
      exchange({ ...toExchange(route, input as CallInput<Route> | undefined, '*/*'), mayLeave: true }, (response) => Promise.resolve(response)),
    exchange: (request) => exchange(request, (response) => Promise.resolve(response)),
  };
}

async function readAnswer<R extends Route>(route: R, response: Response, server: string, signal: AbortSignal | undefined): Promise<z.output<R['response']>> {
  const text = await readText(response, server, signal, Number.POSITIVE_INFINITY);
  let json: unknown;
  try {
    json = text === '' ? undefined : JSON.parse(text);
  } catch {
    throw unexpected(response, server);
  }
  const parsed = route.response.safeParse(json);
  if (!parsed.success) {
    throw new UnexpectedAnswer(
      `The answer to ${route.id} does not have the form that this client knows. Are server and client of different versions?`,
      response.status,
      parsed.error,
    );
  }
  return parsed.data as z.output<R['response']>;
}

async function readText(response: Response, server: string, signal: AbortSignal | undefined, limit = ERROR_TEXT_LIMIT): Promise<string> {
  try {
    if (limit === Number.POSITIVE_INFINITY) return await response.text();
    const chunks: string[] = [];
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    for (let size = 0; reader !== undefined && size < limit;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      chunks.push(decoder.decode(value, { stream: true }));
    }
    await reader?.cancel();
    return chunks.join('');
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw connectionError(error, server);
  }
}

function unexpected(response: Response, server: string): UnexpectedAnswer {
  const place = server === '' ? 'The server' : server;
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    const location = response.headers.get('location');
    return new UnexpectedAnswer(`${place} redirects${location === null ? '' : ` to ${location}`}. Use the final address as the server's.`, response.status);
  }
  const type = response.headers.get('content-type')?.split(';')[0] ?? 'no content type';
  return new UnexpectedAnswer(
    `${place} answered with status ${response.status} and ${type}, which is not this API. Check the address, and any proxy in between.`,
    response.status,
  );
}

function authorizationOf({ token, basic }: ClientOptions): string | null {
  if (basic !== undefined) return `Basic ${btoa(`${basic.id}:${basic.secret}`)}`;
  return token === undefined ? null : `Bearer ${token}`;
}

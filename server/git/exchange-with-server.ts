import type { StoredServer } from '#git/git-endpoint-store.ts';
import { unreachable } from '#git/server-failure.ts';
import { AddressNotAllowed, isNeverAsked, makeGuardedLookup } from '#kit/http/never-asked.ts';
import { isSodateError, SodateError } from '@sodate/contract/errors.ts';
import { type IncomingMessage, request as requestOverHttp } from 'node:http';
import { request as requestOverHttps } from 'node:https';

export interface Exchange {
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Nothing arrives for so long: it is given up. */
  readonly silenceLimitMs: number;
}

export interface ServerAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** GitBucket answers a list of everything at once: 8 MiB hold more than 10,000 repositories with all that is said of each. */
const ANSWER_LIMIT_BYTES = 8 * 2 ** 20;
const ANSWER_LIMIT_MS = 30_000;
const guardedLookup = makeGuardedLookup();

/**
 * One question to a server's web side, and its whole answer. Redirects are answers like others. Never goes through a proxy.
 * @throws SodateError `git-server-unreachable`, `git-server-silent`
 */
export async function askServer(server: StoredServer, url: URL, exchange: Exchange): Promise<ServerAnswer> {
  return withResponse(server, url, exchange, AbortSignal.timeout(ANSWER_LIMIT_MS), async (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > ANSWER_LIMIT_BYTES) throw unreachable(server, `an answer of it is larger than ${ANSWER_LIMIT_BYTES / 2 ** 20} MiB`);
      chunks.push(chunk);
    }
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
  });
}

/**
 * Works on an answer while it arrives, without a limit of the whole.
 * @throws SodateError as `askServer`, and whatever the work throws
 */
export async function withResponse<Result>(
  server: StoredServer,
  url: URL,
  exchange: Exchange,
  signal: AbortSignal | null,
  work: (response: IncomingMessage) => Promise<Result>,
): Promise<Result> {
  try {
    const response = await openResponse(url, exchange, signal);
    try {
      return await work(response);
    } finally {
      response.destroy();
    }
  } catch (error) {
    if (isSodateError(error)) throw error;
    if (error instanceof Silent || signal?.aborted === true)
      throw new SodateError('git-server-silent', {
        endpoint: server.name,
        seconds: Math.round((error instanceof Silent ? exchange.silenceLimitMs : ANSWER_LIMIT_MS) / 1000),
      });
    const reason = reasonOf(error, url);
    if (reason === null) throw error;
    // An error of the parser carries the bytes that it could not read, which would go to the log with it.
    throw unreachable(server, reason, codeOf(error).startsWith('HPE_') ? undefined : error);
  }
}

class Silent extends Error {}

function openResponse(url: URL, exchange: Exchange, signal: AbortSignal | null): Promise<IncomingMessage> {
  if (isNeverAsked(url.hostname)) return Promise.reject(new AddressNotAllowed(url.hostname));
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestOverHttps : requestOverHttp;
    const sent = request(
      url,
      {
        method: exchange.method ?? 'GET',
        headers: {
          'user-agent': 'sodate',
          ...exchange.headers,
          ...(exchange.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(exchange.body)) }),
        },
        lookup: guardedLookup,
        agent: false,
        timeout: exchange.silenceLimitMs,
        ...(signal === null ? {} : { signal }),
      },
      resolve,
    );
    sent.on('timeout', () => sent.destroy(new Silent()));
    sent.on('error', reject);
    sent.end(exchange.body);
  });
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '');
const NAME_UNKNOWN = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']);
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT']);
const BROKEN_OFF = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR']);
const NOT_TRUSTED = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|CRL_)/;

/** Null for what is not of the network, such as a full disk. */
function reasonOf(error: unknown, { host }: URL): string | null {
  if (error instanceof AddressNotAllowed) return `${error.message}, which is never asked`;
  const code = codeOf(error);
  if (NAME_UNKNOWN.has(code)) return `the name ${host} is not known to this server`;
  if (UNREACHABLE.has(code)) return `nothing answers at ${host} (${code}). Check that it runs and can be reached from this server`;
  if (NOT_TRUSTED.test(code))
    return `the certificate of ${host} is not trusted (${code}). Start the server with NODE_EXTRA_CA_CERTS set to the certificate of the authority that signed it`;
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) return `${host} does not speak https`;
  if (code.startsWith('HPE_')) return `what answers at ${host} does not speak HTTP (${code})`;
  return BROKEN_OFF.has(code) ? `${host} broke off the connection (${code})` : null;
}

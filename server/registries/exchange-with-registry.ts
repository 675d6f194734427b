import { AddressNotAllowed, isNeverAsked, makeGuardedLookup } from '#kit/http/never-asked.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { type IncomingMessage, request as requestOverHttp } from 'node:http';
import { request as requestOverHttps } from 'node:https';

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Where it came from, after redirects. */
  readonly url: URL;
}

export interface ExchangeParts {
  /** The registry's name, for errors. */
  readonly registry: string;
  readonly authorization: string | null;
  readonly signal: AbortSignal;
}

/** Some registries answer a list of everything at once: 8 MiB hold more than 100,000 names. */
const ANSWER_LIMIT_BYTES = 8 * 2 ** 20;
/** Such as to the same address with a slash at its end. */
const REDIRECTS_LIMIT = 3;
const guardedLookup = makeGuardedLookup();

/**
 * One question to a registry. A redirect is followed only within the same scheme, host and port: anything else could
 * lead to machines that only this server can reach, and take the password there. Never goes through a proxy.
 * `fetch` is not used, because it cannot be told which addresses a name may resolve to.
 * @throws SodateError `registry-failed`, in words that hold neither credentials nor what the registry wrote
 */
export async function exchangeWithRegistry(url: URL, parts: ExchangeParts): Promise<RegistryAnswer> {
  let here = url;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await exchangeOnce(here, parts);
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status >= 400 || location === undefined) return answer;
    const next = URL.canParse(location, here.href) ? new URL(location, here) : null;
    if (next?.origin !== here.origin) {
      const where = next === null ? 'an address that is none' : shorten(next.host);
      throw failed(parts.registry, `it sends us on from ${here.host} to ${where}, which is not followed. If that is the registry, register it instead`);
    }
    if (redirects === REDIRECTS_LIMIT) throw failed(parts.registry, 'it sends us on again and again');
    here = next;
  }
}

export const failed = (registry: string, reason: string, cause?: unknown): SodateError =>
  new SodateError('registry-failed', { registry, reason }, cause === undefined ? {} : { cause });

/** What a stranger wrote, made fit for one line. */
export const shorten = (text: string): string => text.replaceAll(/[^\u0020-\u007e]/g, '?').slice(0, 100);

function exchangeOnce(url: URL, parts: ExchangeParts): Promise<RegistryAnswer> {
  if (isNeverAsked(url.hostname)) return Promise.reject(describe(new AddressNotAllowed(url.hostname), url, parts));
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(describe(error, url, parts));
    const request = url.protocol === 'https:' ? requestOverHttps : requestOverHttp;
    const sent = request(
      url,
      {
        headers: { accept: 'application/json', 'user-agent': 'sodate', ...(parts.authorization === null ? {} : { authorization: parts.authorization }) },
        lookup: guardedLookup,
        signal: parts.signal,
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > ANSWER_LIMIT_BYTES) return void response.destroy(failed(parts.registry, `its answer is larger than ${ANSWER_LIMIT_BYTES / 2 ** 20} MiB`));
          chunks.push(chunk);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks), url }));
        response.on('error', fail);
        // A connection that is cut in the middle of an answer says `aborted` or nothing at all.
        response.on('close', () => fail(new Error('closed early')));
      },
    );
    sent.on('error', fail);
    sent.end();
  });
}

const NAME_UNKNOWN = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']);
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT']);
const NOT_TRUSTED = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|CRL_)/;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '');

function describe(error: unknown, url: URL, { registry, signal }: ExchangeParts): unknown {
  if (error instanceof SodateError) return error;
  if (signal.aborted) return failed(registry, `${url.host} does not answer in time. Try again in a moment`, error);
  // An error of the parser carries the bytes that it could not read, which would go to the log with it.
  return failed(registry, reasonOf(error, url), codeOf(error).startsWith('HPE_') ? undefined : error);
}

function reasonOf(error: unknown, { host }: URL): string {
  if (error instanceof AddressNotAllowed) return `${error.message}, which is never asked`;
  const code = codeOf(error);
  if (NAME_UNKNOWN.has(code)) return `the name ${host} is not known to this server. Check the address`;
  if (UNREACHABLE.has(code)) return `nothing answers at ${host} (${code}). Check that the registry runs and can be reached from this server`;
  if (NOT_TRUSTED.test(code))
    return `the certificate of ${host} is not trusted (${code}). Start the server with NODE_EXTRA_CA_CERTS set to the certificate of the authority that signed it`;
  if (code === 'EPROTO' || code.startsWith('ERR_SSL'))
    return `${host} does not speak https. If it is meant to be asked over http, a system admin says so: sodate registry edit NAME --insecure`;
  if (code.startsWith('HPE_')) return `what answers at ${host} does not speak HTTP (${code})`;
  return `${host} broke off the connection${code === '' ? '' : ` (${code})`}`;
}

import type { StoredServer } from '#git/git-endpoint-store.ts';
import type { GitCredential } from '#git/git-credential-store.ts';
import { reasonIn } from '#git/run-git.ts';
import { hostOf, transportOf } from '#git/server-address.ts';
import { type ErrorCode, type ErrorParams, SodateError } from '@sodate/contract/errors.ts';

/** A server as far as it is needed to say which one it is. */
export type NamedServer = Pick<StoredServer, 'name' | 'url'>;

export interface About {
  readonly server: StoredServer;
  readonly repository: string;
  readonly credential: Pick<GitCredential, 'owner'> | null;
}

/** What git and ssh write, in their own language: which of our errors it is. The first that fits counts. */
const MEANINGS: readonly (readonly [pattern: RegExp, meaning: (about: About, stderr: string) => SodateError])[] = [
  [/Host key verification failed|HOST IDENTIFICATION HAS CHANGED|host key is known for/, ({ server }) => named('git-host-key-changed', server)],
  [
    /could not read (Username|Password)|Authentication failed for|returned error: 40[13]|HTTP 40[13] |Permission denied \(|Too many authentication failures/,
    signInFailure,
  ],
  [/Load key .*: |error in libcrypto|invalid format/, signInFailure],
  [
    /repository '[^\n]*' not found|returned error: 404|Repository not found|does not appear to be a git repository|The project you were looking for could not be found/i,
    notFound,
  ],
  [
    /does not match target host|no alternative certificate subject name/,
    ({ server }) => unreachable(server, `its certificate is not for ${hostOf(server).name}. Register the server under a name that its certificate has`),
  ],
  [/certificate has expired/, ({ server }) => unreachable(server, `the certificate of ${hostOf(server).name} has expired. Whoever runs it has to renew it`)],
  [/unexpected TLS packet|wrong version number|packet length too long/, ({ server }) => unreachable(server, `${placeOf(server)} does not speak https`)],
  [
    /certificate|CAfile/,
    ({ server }) =>
      unreachable(
        server,
        `the certificate of ${hostOf(server).name} is not trusted, or not valid now. Start the server with NODE_EXTRA_CA_CERTS set to the certificate of the authority that signed it`,
      ),
  ],
  [/SSL|TLS|gnutls/i, ({ server }) => unreachable(server, `${placeOf(server)} could not agree with us on a secure connection, or broke it off`)],
  [
    /returned error: 30\d|unable to update url base from redirection/,
    ({ server }) => unreachable(server, 'it sends us on to another address, which is not followed. If that is right, register that address instead'),
  ],
  [/returned error: 429/, ({ server }) => unreachable(server, 'it has been asked too often (status 429). Try again later')],
  [
    /returned error: (5\d\d)|HTTP (5\d\d) /,
    ({ server }, stderr) =>
      unreachable(server, `it answers with the status ${/(?:returned error: |HTTP )(5\d\d)/.exec(stderr)?.[1] ?? '5xx'}. Try again later`),
  ],
  [
    /not valid: is this a git repository|bad line length|protocol error|invalid server response|server response not understood|Unsupported HTTP\/1|Received HTTP\/0.9|unknown transport|invalid index-pack|bad pack|pack signature mismatch|inflate/i,
    garbage,
  ],
  [
    /Could not resolve host|name or service not known|Temporary failure in name resolution/i,
    ({ server }) => unreachable(server, `the name ${hostOf(server).name} is not known to this server`),
  ],
  [
    /Connection (refused|reset|closed|timed out)|Failed to connect|Couldn't connect|No route to host|Network is unreachable|Empty reply|RPC failed|early EOF|hung up unexpectedly|kex_exchange_identification|Operation timed out|broken pipe/i,
    ({ server }) => unreachable(server, `${placeOf(server)} refuses the connection or broke it off. Check that it runs and can be reached from this server`),
  ],
];

/** What it means when reading a repository of a server failed. */
export function explainServerFailure(about: About, stderr: string): SodateError {
  for (const [pattern, meaning] of MEANINGS) if (pattern.test(stderr)) return meaning(about, stderr);
  return new SodateError('git-failed', { repository: about.repository, reason: reasonIn(stderr) });
}

const named = (code: ErrorCode, server: StoredServer, params: ErrorParams = {}): SodateError => new SodateError(code, { endpoint: server.name, ...params });

const placeOf = (server: NamedServer): string => `${hostOf(server).name}:${hostOf(server).port}`;

export const unreachable = (server: NamedServer, reason: string, cause?: unknown): SodateError =>
  new SodateError('git-server-unreachable', { endpoint: server.name, reason }, cause === undefined ? {} : { cause });

export function signInFailure({ server, repository, credential }: About): SodateError {
  if (credential === null) return named('git-sign-in-needed', server, { repository });
  return named('git-sign-in-refused', server, { repository, owner: credential.owner === 'mine' ? 'this person' : 'this tenant' });
}

export function notFound({ server, repository }: About): SodateError {
  const known = server.kind === 'plain' ? 'not listed by this server' : `sodate git repositories ${server.name} lists those you may read`;
  return named('git-repository-not-found', server, { repository, known });
}

function garbage({ server, repository }: About): SodateError {
  const speaks = transportOf(server) === 'ssh' ? 'SSH' : 'HTTP';
  return new SodateError('git-failed', { repository, reason: `what answers over ${speaks} at ${placeOf(server)} under this name is no git repository` });
}

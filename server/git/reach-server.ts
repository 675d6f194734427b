import { Secret } from '#config/secret.ts';
import type { GitCredential } from '#git/git-credential-store.ts';
import type { StoredServer } from '#git/git-endpoint-store.ts';
import { knownHostsFile } from '#git/host-keys.ts';
import type { Reach } from '#git/run-git.ts';
import { hostOf, transportOf } from '#git/server-address.ts';
import { explainServerFailure, type NamedServer, signInFailure, unreachable } from '#git/server-failure.ts';
import { AddressNotAllowed, isNeverAsked, makeGuardedLookup } from '#kit/http/never-asked.ts';
import { newId } from '#kit/ids.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { ADDRCONFIG } from 'node:dns';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';

const guardedLookup = makeGuardedLookup();
/** Until a server has taken a connection over SSH; its silence afterwards has a limit of its own. */
const CONNECT_LIMIT_SECONDS = 15;

/**
 * The addresses of a server's host. What is connected to are these and no others: a name that means something else a
 * moment later gains nothing.
 * @throws SodateError `git-server-unreachable`, also for addresses that are never asked
 */
export async function addressesOf(server: NamedServer): Promise<readonly [string, ...string[]]> {
  const { name } = hostOf(server);
  const refuse = (error: unknown): SodateError =>
    unreachable(server, error instanceof AddressNotAllowed ? `${error.message}, which is never asked` : `the name ${name} is not known to this server`, error);
  if (isIP(name) !== 0) {
    if (isNeverAsked(name)) throw refuse(new AddressNotAllowed(name));
    return [name];
  }
  return new Promise((resolve, reject) => {
    guardedLookup(name, { all: true, hints: ADDRCONFIG }, (error, found) => {
      const [first, ...others] = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address);
      if (error || first === undefined) return reject(refuse(error));
      resolve([first, ...others]);
    });
  });
}

const inBrackets = (address: string): string => (isIP(address) === 6 ? `[${address}]` : address);

/** `Basic …`, for git itself and for whatever else the server has behind the same door. */
export function basicAuthorization({ userName, token }: GitCredential): Secret | null {
  return token === null ? null : new Secret(`Basic ${Buffer.from(`${userName}:${token.reveal()}`).toString('base64')}`);
}

/** The credential as far as it counts for this server: a key is nothing over HTTP, a token is nothing over SSH. */
export function usableCredential(server: StoredServer, credential: GitCredential | null): GitCredential | null {
  if (credential === null) return null;
  return (transportOf(server) === 'ssh' ? credential.privateKey : credential.token) === null ? null : credential;
}

/**
 * Does work in which git may speak with the server as this credential. The secret is in the environment of that one git,
 * or in a file that only we can read and that is gone when the work is done; it is never an argument or in an address.
 * @param parts.folder for that file; what a killed process leaves there is removed at the next start
 * @param parts.authorities the file of those trusted over HTTPS; null for git's own choice
 */
export async function withReach<Result>(
  parts: { readonly folder: string; readonly silenceLimitMs: number; readonly authorities: () => Promise<string | null> },
  ask: { readonly server: StoredServer; readonly repository: string; readonly credential: GitCredential | null },
  work: (reach: Reach) => Promise<Result>,
): Promise<Result> {
  const { server } = ask;
  const credential = usableCredential(server, ask.credential);
  const about = { server, repository: ask.repository, credential };
  const shared = {
    protocol: transportOf(server),
    silenceLimitMs: parts.silenceLimitMs,
    explain: (stderr: string) => explainServerFailure(about, stderr),
    silent: () => new SodateError('git-server-silent', { endpoint: server.name, seconds: Math.round(parts.silenceLimitMs / 1000) }),
  };
  const addresses = await addressesOf(server);
  if (transportOf(server) !== 'ssh') {
    const authorization = credential === null ? null : basicAuthorization(credential);
    const authorities = transportOf(server) === 'https' ? await parts.authorities() : null;
    const environment = gitSettings([
      ['http.curloptResolve', pinned(server, addresses)],
      ...(authorities === null ? [] : [['http.sslCAInfo', authorities] as const]),
      ...(authorization === null ? [] : [['http.extraHeader', `Authorization: ${authorization.reveal()}`] as const]),
    ]);
    return work({ ...shared, environment, secrets: secretsOf(credential) });
  }
  // Nobody gets in without a key, and ssh would try those of the account that the server runs under.
  if (credential?.privateKey === null || credential === null) throw signInFailure({ ...about, credential: null });
  const folder = path.join(parts.folder, newId<string>());
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await writeFile(path.join(folder, 'key'), credential.privateKey.reveal(), { mode: 0o600 });
    await writeFile(path.join(folder, 'known_hosts'), knownHostsFile(ALIAS, server.hostKeys));
    await writeFile(path.join(folder, 'config'), sshConfiguration(addresses[0]));
    return await work({
      ...shared,
      // A shell reads the command; the paths reach it as a variable, so that no character in them means anything.
      environment: { GIT_SSH_COMMAND: 'ssh -F "$SODATE_SSH/config"', GIT_SSH_VARIANT: 'ssh', SODATE_SSH: folder },
      secrets: secretsOf(credential),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const ALIAS = 'sodate-git-server';

const pinned = (server: StoredServer, addresses: readonly string[]): string =>
  `${inBrackets(hostOf(server).name)}:${hostOf(server).port}:${addresses.map(inBrackets).join(',')}`;

function secretsOf(credential: GitCredential | null): readonly Secret[] {
  if (credential === null) return [];
  const { token, privateKey } = credential;
  const basic = basicAuthorization(credential);
  const words = [
    token,
    basic === null ? null : new Secret(basic.reveal().replace('Basic ', '')),
    token === null ? null : new Secret(encodeURIComponent(token.reveal())),
    privateKey,
  ];
  return words.filter((each) => each !== null);
}

/** Configuration for one call of git, in its environment. */
function gitSettings(settings: readonly (readonly [key: string, value: string])[]): Readonly<Record<string, string>> {
  const environment: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [at, [key, value]] of settings.entries()) Object.assign(environment, { [`GIT_CONFIG_KEY_${at}`]: key, [`GIT_CONFIG_VALUE_${at}`]: value });
  return environment;
}

/** Nothing of the account's own, nothing asked of anybody, and only the keys that were given: ours and the server's. */
function sshConfiguration(address: string): string {
  return `Host *
  HostName ${address}
  HostKeyAlias ${ALIAS}
  UserKnownHostsFile "\${SODATE_SSH}/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  UpdateHostKeys no
  CheckHostIP no
  VerifyHostKeyDNS no
  IdentityFile "\${SODATE_SSH}/key"
  IdentitiesOnly yes
  IdentityAgent none
  PreferredAuthentications publickey
  PasswordAuthentication no
  KbdInteractiveAuthentication no
  HostbasedAuthentication no
  GSSAPIAuthentication no
  BatchMode yes
  ConnectTimeout ${CONNECT_LIMIT_SECONDS}
  ServerAliveInterval 15
  ServerAliveCountMax 3
  ControlMaster no
  ControlPath none
  ClearAllForwardings yes
  ForwardAgent no
  ForwardX11 no
  PermitLocalCommand no
  ProxyCommand none
  LogLevel ERROR
`;
}

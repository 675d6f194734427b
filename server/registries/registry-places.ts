import { failed, shorten } from '#registries/exchange-with-registry.ts';
import { DEFAULT_REGISTRY } from '#registries/image-reference.ts';
import type { StoredRegistry } from '#registries/registry-store.ts';

/** What one must know of a registry to ask it. */
export type AskedRegistry = Pick<StoredRegistry, 'name' | 'address' | 'insecure' | 'tokenHosts'>;

/** Docker Hub answers under a name that no image carries, and signs in at another. */
const HUB = { host: 'registry-1.docker.io', tokenHosts: ['auth.docker.io'] };

/** Where a registry is asked. */
export function rootOf(registry: AskedRegistry): URL {
  return new URL(`${registry.insecure ? 'http' : 'https'}://${registry.address === DEFAULT_REGISTRY ? HUB.host : registry.address}`);
}

/**
 * Where a token may be asked for, with the password: at the registry itself, or where a system admin said. Anything else
 * that a registry names could be a machine that only this server reaches, or a stranger's.
 * @param realm as the registry gives it
 * @throws SodateError `registry-failed` that says how to allow it
 */
export function signInAddress(registry: AskedRegistry, realm: string | undefined): URL {
  const url = realm !== undefined && URL.canParse(realm) ? new URL(realm) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '')
    throw failed(registry.name, 'it asks to sign in at an address that is none');
  const listed = [...registry.tokenHosts, ...(registry.address === DEFAULT_REGISTRY ? HUB.tokenHosts : [])];
  // Compared as addresses of one scheme, so that a port that is the usual one may be named or not.
  const allowed = [rootOf(registry).host, ...listed].map((host) => new URL(`${url.protocol}//${host}`).host);
  if (!allowed.includes(url.host)) {
    const host = shorten(url.host);
    throw failed(registry.name, `it asks to sign in at ${host}. If that is right, a system admin allows it: sodate registry edit NAME --token-host ${host}`);
  }
  if (url.protocol === 'http:' && !registry.insecure) throw failed(registry.name, `it asks to sign in at ${shorten(url.host)} over http, unencrypted`);
  return url;
}

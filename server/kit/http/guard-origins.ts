import { cameThroughJobDoor } from '#kit/http/job-door.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { FastifyRequest } from 'fastify';
import { isIP } from 'node:net';

export interface PublicAddress {
  /** SODATE_PUBLIC_URL, when set. */
  readonly publicUrl: string | null;
}

/**
 * Refuses requests that a foreign page makes in a signed-in person's browser, on every method and on upgrades:
 * - Host must be one of ours, so that a name rebound to our address is not answered. IP addresses cannot be rebound.
 * - Origin, where a browser sends one, must be exactly the address the request was sent to, or the configured one.
 */
export function guardOrigins(address: () => PublicAddress) {
  return async (request: FastifyRequest): Promise<void> => {
    // Jobs call the door by its name in their network or by its address, and no browser's cookie is worth anything there.
    if (cameThroughJobDoor(request.raw)) return;
    const { publicUrl } = address();
    const host = (request.headers.host ?? '').toLowerCase();
    const publicHost = publicUrl === null ? null : new URL(publicUrl).host.toLowerCase();
    if (!isOwnHost(host, publicHost)) throw new SodateError('host-not-allowed', { host });
    const origin = request.headers.origin;
    if (origin === undefined) return;
    const own = origin === `http://${host}` || (publicUrl !== null && origin === new URL(publicUrl).origin);
    if (!own) throw new SodateError('origin-not-allowed', { origin });
  };
}

function isOwnHost(host: string, publicHost: string | null): boolean {
  if (host === publicHost) return true;
  const name = host.replace(/:\d+$/, '');
  if (name === 'localhost') return true;
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

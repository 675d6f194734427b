import { SESSION_COOKIE, sessionCookieName } from '#kit/http/bind-route.ts';
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
 * - Where it sends none, as for pictures and links, our cookie opens the API to our own pages only. It is not sent along from
 *   other sites; but a page that a job wrote is on the same site, below a name of ours, and must not ride on it either.
 */
export function guardOrigins(address: () => PublicAddress) {
  return async (request: FastifyRequest): Promise<void> => {
    // Jobs call the door by its name in their network or by its address, and no browser's cookie is worth anything there.
    if (cameThroughJobDoor(request.raw)) return;
    const { publicUrl } = address();
    const { cookies } = request;
    cookies[SESSION_COOKIE] = cookies[sessionCookieName(publicUrl)];
    const host = (request.headers.host ?? '').toLowerCase();
    const publicHost = publicUrl === null ? null : new URL(publicUrl).host.toLowerCase();
    if (!isOwnHost(host, publicHost)) throw new SodateError('host-not-allowed', { host });
    const origin = request.headers.origin;
    if (origin === undefined) {
      if (ridesOnCookie(request)) throw new SodateError('origin-not-allowed', { origin: 'another page' });
      return;
    }
    const own = origin === `http://${host}` || (publicUrl !== null && origin === new URL(publicUrl).origin);
    if (!own) throw new SodateError('origin-not-allowed', { origin });
  };
}

/** Browsers alone say which site a request comes from, and no script can change what they say. */
function ridesOnCookie({ headers, cookies, routeOptions }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  const isOurs = site === undefined || site === 'same-origin' || site === 'none';
  return !isOurs && headers.authorization === undefined && cookies[SESSION_COOKIE] !== undefined && routeOptions.config.jobDoor !== undefined;
}

function isOwnHost(host: string, publicHost: string | null): boolean {
  if (host === publicHost) return true;
  const name = host.replace(/:\d+$/, '');
  if (name === 'localhost') return true;
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

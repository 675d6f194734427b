import { isSecret, newSecret } from '#kit/secrets.ts';

const TICKET_PREFIX = 'tic_';
const KEY_PREFIX = 'con_';
const TICKET_PARAMETER = 'ticket';
const COOKIE = 'sodate_content';
const FRAMED_COOKIE = 'sodate_content_framed';

export const newTicket = (): string => newSecret(TICKET_PREFIX);
export const newKey = (): string => newSecret(KEY_PREFIX);

/** The ticket in an address, and the address without it. Another's parameter of the same name stays where it is. */
export function takeTicket(address: string): { readonly ticket: string | null; readonly rest: string } {
  const at = address.indexOf('?');
  if (at < 0) return { ticket: null, rest: address };
  const parameters = address.slice(at + 1).split('&');
  const own = parameters.find(
    (parameter) => isSecret(TICKET_PREFIX, parameter.slice(TICKET_PARAMETER.length + 1)) && parameter.startsWith(`${TICKET_PARAMETER}=`),
  );
  if (own === undefined) return { ticket: null, rest: address };
  const others = parameters.filter((parameter) => parameter !== own);
  return { ticket: own.slice(TICKET_PARAMETER.length + 1), rest: address.slice(0, at) + (others.length === 0 ? '' : `?${others.join('&')}`) };
}

export const withTicket = (address: string, ticket: string): string => `${address}?${TICKET_PARAMETER}=${ticket}`;

/**
 * The cookies that keep a key in a browser, for this one host. In a tab of its own the first is enough, in every browser. In a
 * frame of the platform the page may be on another site, where browsers keep only cookies that say so and that are kept apart
 * by what frames them; they must be Secure, which names below `localhost` count as.
 */
export function keyCookies(key: string, origin: string, seconds: number): readonly string[] {
  const { protocol, hostname } = new URL(origin);
  const encrypted = protocol === 'https:';
  const common = `Path=/; HttpOnly; Max-Age=${Math.max(1, Math.floor(seconds))}`;
  const own = `${COOKIE}=${key}; ${common}; SameSite=Lax${encrypted ? '; Secure' : ''}`;
  const isSecure = encrypted || hostname.endsWith('.localhost');
  return isSecure ? [own, `${FRAMED_COOKIE}=${key}; ${common}; SameSite=None; Secure; Partitioned`] : [own];
}

/** A page may set cookies for the hosts beside its own, so there may be others of our names among them: all are tried. */
const KEYS_LIMIT = 20;

/** What may be keys among the cookies. */
export function keysIn(cookies: string | undefined): readonly string[] {
  return pairsOf(cookies)
    .filter(isOurs)
    .map((pair) => pair.slice(pair.indexOf('=') + 1))
    .filter((value) => isSecret(KEY_PREFIX, value))
    .slice(0, KEYS_LIMIT);
}

/** The cookies without ours, as something behind us may see them. */
export function cookiesOfOthers(cookies: string | undefined): string | undefined {
  const others = pairsOf(cookies).filter((pair) => !isOurs(pair));
  return others.length === 0 ? undefined : others.join('; ');
}

/** Whether a Set-Cookie line would replace one of ours. */
export const setsOurs = (line: string): boolean => isOurs(line);

const pairsOf = (cookies: string | undefined): readonly string[] =>
  (cookies ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
const isOurs = (pair: string): boolean => [COOKIE, FRAMED_COOKIE].includes(pair.split('=', 1)[0]?.trim() ?? '');

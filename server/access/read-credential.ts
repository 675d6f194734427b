import type { Credentials } from '#kit/http/access.ts';
import { isSecret } from '#kit/secrets.ts';
import { TOKEN_PREFIX } from '#tokens/tokens.ts';
import { SESSION_PREFIX } from '#users/users.ts';
import { TokenId } from '@sodate/contract/ids.ts';

export type Credential =
  | { readonly kind: 'session'; readonly secret: string }
  /** `id` is given by Basic authentication and must then be the token's. */
  | { readonly kind: 'token'; readonly secret: string; readonly id: TokenId | null }
  | { readonly kind: 'attempt'; readonly token: string };

const AUTHORIZATION_LENGTH_LIMIT = 1024;
/** What `runs` gives to jobs; only it can tell a good one from a bad one. */
const ATTEMPT_TOKEN = /^att_[A-Za-z0-9_.~-]{1,512}$/;
/** Whole groups only: Buffer.from would also take half ones, other alphabets and rubbish between. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * What a request presents: an `Authorization` header, else the session cookie.
 * @returns null when it presents nothing; `malformed` when what it presents can open nothing
 */
export function readCredential({ authorization, sessionCookie }: Credentials): Credential | null | 'malformed' {
  if (authorization === undefined) {
    if (sessionCookie === undefined) return null;
    return isSecret(SESSION_PREFIX, sessionCookie) ? { kind: 'session', secret: sessionCookie } : 'malformed';
  }
  if (authorization.length > AUTHORIZATION_LENGTH_LIMIT) return 'malformed';
  const [, scheme, value] = /^([A-Za-z]+) +([^\s]+)$/.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return 'malformed';
  if (scheme.toLowerCase() === 'bearer') return readBearer(value);
  return scheme.toLowerCase() === 'basic' ? readBasic(value) : 'malformed';
}

function readBearer(value: string): Credential | 'malformed' {
  if (isSecret(SESSION_PREFIX, value)) return { kind: 'session', secret: value };
  if (isSecret(TOKEN_PREFIX, value)) return { kind: 'token', secret: value, id: null };
  return ATTEMPT_TOKEN.test(value) ? { kind: 'attempt', token: value } : 'malformed';
}

function readBasic(value: string): Credential | 'malformed' {
  if (!BASE64.test(value)) return 'malformed';
  const text = Buffer.from(value, 'base64').toString('latin1');
  const colon = text.indexOf(':');
  const id = TokenId.safeParse(text.slice(0, Math.max(0, colon)));
  const secret = text.slice(colon + 1);
  return id.success && isSecret(TOKEN_PREFIX, secret) ? { kind: 'token', secret, id: id.data } : 'malformed';
}

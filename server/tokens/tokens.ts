/**
 * API keys. A token does what its user may do in one tenant, and nothing elsewhere; it ends when revoked, when it expires,
 * and when its user leaves the tenant, and rests while its user is disabled. Its secret is shown once.
 */
export { createToken } from './create-token.ts';
export { endTokensOf, findTokens, TOKEN_PREFIX } from './token-store.ts';

import type { RegistryCredential } from '#executors/executor.ts';
import { type AuthChallenge, parseAuthChallenges } from '#registries/auth-challenge.ts';
import { exchangeWithRegistry, failed, type RegistryAnswer, shorten } from '#registries/exchange-with-registry.ts';
import { type AskedRegistry, rootOf, signInAddress } from '#registries/registry-places.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { z } from 'zod';

export interface RegistryConversation {
  /**
   * An answer after signing in where that was asked for. 401 and 403 are answers too: signed in, but not for this.
   * @param path below the registry's root, with its query
   * @param scope what a token is asked for, such as `registry:catalog:*`
   * @throws SodateError `registry-sign-in-needed`, `registry-sign-in-refused`, `registry-failed`
   */
  get(path: string, scope: string): Promise<RegistryAnswer>;
}

/** Of one whole conversation: signing in, and every page. */
export const CONVERSATION_LIMIT_MS = 15_000;

const Token = z.string().regex(/^[\u0021-\u007e]{1,65536}$/);
const TokenAnswer = z.union([
  z.object({ token: Token }).transform(({ token }) => token),
  z.object({ access_token: Token }).transform((answer) => answer.access_token),
]);

/**
 * Speaks with one registry as one tenant, for the length of one request. The password goes to the registry's own host, or
 * to one that a system admin listed as its place to sign in, and only after that has asked for it; the token that comes
 * back goes to the registry alone, and is kept no longer than this.
 */
export function makeRegistryConversation(registry: AskedRegistry, credential: RegistryCredential | null, limitMs: number): RegistryConversation {
  const signal = AbortSignal.timeout(limitMs);
  const root = rootOf(registry);
  const about = { registry: registry.name, host: registry.address };
  const basic = credential === null ? null : `Basic ${Buffer.from(`${credential.userName}:${credential.password.reveal()}`).toString('base64')}`;
  const refused = (): SodateError => new SodateError(credential === null ? 'registry-sign-in-needed' : 'registry-sign-in-refused', about);
  const ask = (url: URL, authorization: string | null): Promise<RegistryAnswer> =>
    exchangeWithRegistry(url, { registry: registry.name, authorization, signal });
  const held = { authorization: null as string | null };

  async function fetchToken({ parameters }: AuthChallenge, scope: string): Promise<string> {
    const url = signInAddress(registry, parameters['realm']);
    if (parameters['service'] !== undefined) url.searchParams.set('service', parameters['service']);
    url.searchParams.set('scope', parameters['scope'] ?? scope);
    const answer = await ask(url, basic);
    // 400 is what some answer to a user name in a form that they do not have.
    if ([400, 401, 403].includes(answer.status)) throw refused();
    if (answer.status !== 200) throw unexpected(answer);
    const token = TokenAnswer.safeParse(parseJson(answer.body));
    if (!token.success) throw failed(registry.name, `${shorten(url.host)}, where it asks to sign in, answers without a token`);
    return `Bearer ${token.data}`;
  }

  async function signIn(answer: RegistryAnswer, scope: string): Promise<string> {
    const challenges = parseAuthChallenges(answer.headers['www-authenticate'] ?? '');
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer) return fetchToken(bearer, scope);
    if (!challenges.some(({ scheme }) => scheme === 'basic')) {
      const schemes = challenges.map(({ scheme }) => shorten(scheme)).join(', ');
      throw failed(registry.name, `it asks to sign in in a way that is not known here (${schemes === '' ? 'it does not say how' : schemes})`);
    }
    if (basic === null) throw refused();
    return basic;
  }

  const unexpected = (answer: RegistryAnswer): SodateError => unexpectedAnswer(registry.name, answer);

  return {
    async get(path, scope) {
      const url = new URL(path, root);
      const first = await ask(url, held.authorization);
      if (first.status !== 401 || held.authorization !== null) return first;
      held.authorization = await signIn(first, scope);
      const second = await ask(url, held.authorization);
      // With a token 401 means: not for this. With the password itself it means that this is wrong.
      if (second.status === 401 && held.authorization === basic) throw refused();
      return second;
    },
  };
}

export function unexpectedAnswer(registry: string, { status, url }: RegistryAnswer): SodateError {
  if (status === 429) return failed(registry, 'it has been asked too often (status 429). Try again later');
  return failed(registry, `${shorten(url.host)} answers with the status ${status}`);
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

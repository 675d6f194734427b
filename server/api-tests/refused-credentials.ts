import type { TestPlatform } from '#api-tests/test-platform.ts';
import type { TenantThings } from '#api-tests/tenant-things.ts';
import { SESSION_COOKIE } from '#kit/http/bind-route.ts';
import { newSecret } from '#kit/secrets.ts';
import { TOKEN_PREFIX } from '#tokens/tokens.ts';
import { SESSION_PREFIX } from '#users/users.ts';

export type Headers = Readonly<Record<string, string>>;

const bearer = (secret: string): Headers => ({ authorization: `Bearer ${secret}` });
const basic = (text: string): Headers => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

/** Everything that looks like a credential and opens nothing: each by what is wrong with it. All end in 401. */
export async function makeRefusedCredentials(platform: TestPlatform, things: TenantThings): Promise<Readonly<Record<string, Headers>>> {
  const { database, member, ask, must } = platform;
  const makeToken = () => things.token(member.secret);
  const [expired, revoked, whole] = [await makeToken(), await makeToken(), await makeToken()];
  const past = new Date(Date.UTC(2020, 0, 1));
  await database.db.updateTable('tokens').set({ expires_at: past }).where('id', '=', expired.id).execute();
  await must(member.secret, 'DELETE', `/v1/tenants/${things.tenant}/tokens/${revoked.id}`);

  const signedOut = await platform.makePerson('signed-out', { [things.tenant]: 'admin' });
  await must(signedOut.secret, 'DELETE', '/v1/session');
  const lapsed = await platform.makePerson('lapsed', { [things.tenant]: 'admin' });
  await database.db.updateTable('sessions').set({ expires_at: past }).where('user_id', '=', lapsed.id).execute();
  const disabled = await platform.makePerson('disabled', { [things.tenant]: 'admin' });
  const tokenOfDisabled = await things.token(disabled.secret);
  await must(platform.systemAdmin.secret, 'PATCH', `/v1/users/${disabled.name}`, { disabled: true });

  const ended = await platform.attemptTokenOf((await things.endedTask()).id);
  const live = await platform.attemptTokenOf((await things.liveTask()).id);
  const altered = (secret: string): string => secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A');
  // Each of them was good before: otherwise its refusal here would prove nothing.
  for (const secret of [whole.secret, live]) if ((await ask(secret, 'GET', '/v1/me')).status !== 200) throw new Error('This credential should work');

  return {
    'no credential': {},
    'an empty header': { authorization: '' },
    'Bearer and nothing': { authorization: 'Bearer' },
    'Bearer nothing': bearer('nothing'),
    'Bearer null': bearer('null'),
    'no scheme': { authorization: whole.secret },
    'another scheme': { authorization: `Token ${whole.secret}` },
    'two secrets in one header': bearer(`${whole.secret} ${whole.secret}`),
    'a secret cut short': bearer(whole.secret.slice(0, -1)),
    'a secret with one character more': bearer(`${whole.secret}A`),
    'a secret with one character changed': bearer(altered(whole.secret)),
    'an unknown token': bearer(newSecret(TOKEN_PREFIX)),
    'an unknown session': bearer(newSecret(SESSION_PREFIX)),
    'a wrong prefix': bearer(whole.secret.replace(TOKEN_PREFIX, 'tok_')),
    'a token under the prefix of a session': bearer(whole.secret.replace(TOKEN_PREFIX, SESSION_PREFIX)),
    'the id of a token': bearer(whole.id),
    '10 kB': bearer('x'.repeat(10_000)),
    'Basic that is not base64': { authorization: 'Basic %%%=' },
    'Basic without a colon': basic(whole.secret),
    'Basic with a name and password': basic(`${member.name}:${member.password}`),
    "Basic with another token's id": basic(`${expired.id}:${whole.secret}`),
    'Basic with a session': basic(`${whole.id}:${member.secret}`),
    'an expired token': bearer(expired.secret),
    'a revoked token': bearer(revoked.secret),
    'an expired session': bearer(lapsed.secret),
    'a session that was signed out': bearer(signedOut.secret),
    "a disabled user's session": bearer(disabled.secret),
    "a disabled user's token": bearer(tokenOfDisabled.secret),
    'the token of an attempt that has ended': bearer(ended),
    'the token of an attempt with one character changed': bearer(altered(live)),
    'the id of an attempt without its signature': bearer(live.slice(0, live.lastIndexOf('_') + 1)),
    'a cookie with nothing good in it': { cookie: `${SESSION_COOKIE}=nothing` },
    'a cookie with a token, which only headers carry': { cookie: `${SESSION_COOKIE}=${whole.secret}` },
    'a good cookie beside a bad header': { authorization: 'Bearer nothing', cookie: `${SESSION_COOKIE}=${member.secret}` },
  };
}

import type { Database } from '#kit/db/open-database.ts';
import { hashSecret, newSecret } from '#kit/secrets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId, TokenId, UserId } from '@sodate/contract/ids.ts';
import type { Token } from '@sodate/contract/tokens.ts';
import { insertToken, TOKEN_PREFIX } from './token-store.ts';

/** One user's in one tenant. */
const TOKENS_LIMIT = 1000;
const DAY_MS = 24 * 3_600_000;

/** @throws SodateError `too-many`; `not-found` when the tenant, or the user's place in it, has just gone */
export async function createToken(
  db: Database,
  ask: {
    readonly id: TokenId;
    readonly tenant: TenantId;
    readonly user: UserId;
    readonly name: string;
    readonly expiresInDays: number | null;
    readonly now: Date;
  },
): Promise<Token & { secret: string }> {
  const secret = newSecret(TOKEN_PREFIX);
  return db.transaction().execute(async (tx) => {
    const user = await tx.selectFrom('users').select('system_admin').where('id', '=', ask.user).executeTakeFirstOrThrow();
    const tenant = await tx.selectFrom('tenants').select('id').where('id', '=', ask.tenant).forKeyShare().executeTakeFirst();
    // Held until the commit: taking the user out of the tenant waits for it, and then ends this token too.
    const membership = await tx
      .selectFrom('memberships')
      .select('role')
      .where('tenant_id', '=', ask.tenant)
      .where('user_id', '=', ask.user)
      .forKeyShare()
      .executeTakeFirst();
    if (!tenant || (!membership && !user.system_admin)) throw new SodateError('not-found', { thing: 'tenant', reference: ask.tenant });
    const { count } = await tx
      .selectFrom('tokens')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('tenant_id', '=', ask.tenant)
      .where('user_id', '=', ask.user)
      .executeTakeFirstOrThrow();
    if (count >= TOKENS_LIMIT) throw new SodateError('too-many', { limit: TOKENS_LIMIT, things: 'tokens of one user in a tenant' });
    const expiresAt = ask.expiresInDays === null ? null : new Date(ask.now.getTime() + ask.expiresInDays * DAY_MS);
    return { ...(await insertToken(tx, { ...ask, secretHash: hashSecret(secret), expiresAt })), secret };
  });
}

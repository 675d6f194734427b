import { forgetGitCredentialsOf } from '#git/git.ts';
import type { Database } from '#kit/db/open-database.ts';
import { endTokensOf } from '#tokens/tokens.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId, UserId } from '@sodate/contract/ids.ts';

/** Takes the user out and ends their tokens in this tenant; what they signed in with at git servers is forgotten. @throws SodateError `not-found` when the user is no member */
export async function removeMember(db: Database, ask: { readonly tenant: TenantId; readonly user: UserId; readonly reference: string }): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // First the membership: a token being made holds it locked, so it is either committed and ended below, or not made.
    const removed = await tx
      .deleteFrom('memberships')
      .where('tenant_id', '=', ask.tenant)
      .where('user_id', '=', ask.user)
      .returning('user_id')
      .executeTakeFirst();
    if (!removed) throw new SodateError('not-found', { thing: 'member', reference: ask.reference });
    await endTokensOf(tx, ask.tenant, ask.user);
    await forgetGitCredentialsOf(tx, ask.tenant, ask.user);
  });
}

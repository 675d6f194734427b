import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Caller, TenantContext } from '#kit/http/access.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TokenId, UserId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/tokens.ts';
import { createToken } from './create-token.ts';
import { deleteToken, listTokens } from './token-store.ts';

export function bindTokenRoutes(binder: Binder, parts: { readonly db: Database; readonly clock: Clock; readonly changes: ChangeFeed }): void {
  const { db, clock, changes } = parts;

  binder.bind(routes.listTokens, ({ caller, tenant, query }) => listTokens(db, tenant.id, { ...query, owner: ownerFilter(caller, tenant) }));
  binder.bind(routes.createToken, async ({ caller, tenant, body, newId }) => {
    refuseJobs(caller);
    const created = await createToken(db, { ...body, id: newId as TokenId, tenant: tenant.id, user: caller.user, now: clock.now() });
    changes.publish({ tenant: tenant.id, topic: 'token', id: created.id, change: 'created' });
    return created;
  });
  binder.bind(routes.revokeToken, async ({ caller, tenant, params }) => {
    refuseJobs(caller);
    if (!(await deleteToken(db, tenant.id, params.token, ownerFilter(caller, tenant))))
      throw new SodateError('not-found', { thing: 'token', reference: params.token });
    changes.publish({ tenant: tenant.id, topic: 'token', id: params.token, change: 'deleted' });
  });
}

/** Admins of the tenant see and end everybody's tokens, others their own. */
const ownerFilter = (caller: Caller, tenant: TenantContext): UserId | null => (tenant.role === 'admin' ? null : caller.user);

/** A job acts for the user who submitted it while it lives; a token made by it would outlive it, with that user's rights. */
function refuseJobs(caller: Caller): void {
  if (caller.attempt !== null) throw new SodateError('not-allowed', { needed: 'of a person: jobs cannot make or end tokens' });
}

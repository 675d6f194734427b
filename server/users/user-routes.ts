import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { PublicAddress } from '#kit/http/guard-origins.ts';
import type { UserId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/users.ts';
import { createSignInLink } from './create-sign-in-link.ts';
import { createUser } from './create-user.ts';
import type { Passwords } from './passwords.ts';
import { signInLinkUrl } from './sign-in-link-url.ts';
import { updateUser } from './update-user.ts';
import { findUser, listUsers, toUser } from './user-store.ts';

export function bindUserRoutes(
  binder: Binder,
  parts: { readonly db: Database; readonly clock: Clock; readonly passwords: Passwords; readonly address: () => PublicAddress },
): void {
  const { db, clock, passwords, address } = parts;
  binder.bind(routes.listUsers, ({ query }) => listUsers(db, query));
  binder.bind(routes.createUser, async ({ body, newId }) => toUser(await createUser(db, passwords, { ...body, id: newId as UserId, now: clock.now() })));
  binder.bind(routes.getUser, async ({ params }) => toUser(await findUser(db, params.user)));
  binder.bind(routes.updateUser, async ({ params, body }) => toUser(await updateUser(db, params.user, body, clock.now())));
  binder.bind(routes.createSignInLink, async ({ params, request }) => {
    const link = await createSignInLink(db, params.user, clock.now());
    const server = address().publicUrl ?? `${request.protocol}://${request.host}`;
    return { url: signInLinkUrl(server, link.secret), expiresAt: link.expiresAt.toISOString() };
  });
}

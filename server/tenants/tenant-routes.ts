import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import { findUser } from '#users/users.ts';
import type { TenantId, UserId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/tenants.ts';
import { createTenant } from './create-tenant.ts';
import { deleteTenant } from './delete-tenant.ts';
import { listMembers, putMember } from './member-store.ts';
import { removeMember } from './remove-member.ts';
import { findTenant, findTenantById, listTenants, toTenant, updateTenant } from './tenant-store.ts';

export function bindTenantRoutes(binder: Binder, parts: { readonly db: Database; readonly clock: Clock; readonly changes: ChangeFeed }): void {
  const { db, clock, changes } = parts;

  binder.bind(routes.listTenants, ({ caller, query }) => listTenants(db, caller, query));
  binder.bind(
    routes.createTenant,
    async ({ body, newId }) => toTenant(await createTenant(db, { ...body, id: newId as TenantId, now: clock.now() })),
    async ({ newId }) => {
      const made = await findTenantById(db, newId as TenantId);
      return made ? toTenant(made) : null;
    },
  );
  binder.bind(routes.getTenant, async ({ tenant }) => toTenant(await findTenant(db, tenant.id)));
  binder.bind(routes.updateTenant, async ({ params, body }) => toTenant(await updateTenant(db, params.tenant, body)));
  binder.bind(routes.deleteTenant, async ({ params }) => void (await deleteTenant(db, params.tenant)));

  binder.bind(routes.listMembers, ({ tenant, query }) => listMembers(db, tenant.id, query));
  binder.bind(routes.putMember, async ({ tenant, params, body }) => {
    const user = await findUser(db, params.user);
    const isNew = await putMember(db, { tenant: tenant.id, user: user.id as UserId, role: body.role, now: clock.now() });
    changes.publish({ tenant: tenant.id, topic: 'member', id: user.id, change: isNew ? 'created' : 'updated' });
    return { user: { id: user.id, name: user.name, displayName: user.display_name }, role: body.role };
  });
  binder.bind(routes.removeMember, async ({ tenant, params }) => {
    const user = await findUser(db, params.user);
    await removeMember(db, { tenant: tenant.id, user: user.id as UserId, reference: params.user });
    changes.publish({ tenant: tenant.id, topic: 'member', id: user.id, change: 'deleted' });
  });
}

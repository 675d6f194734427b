import { z } from 'zod';
import { NamedRef, TenantId } from './ids.ts';
import { TenantName, Title } from './names.ts';
import { PageQuery, pageOf, Instant, Person, SearchText } from './paging.ts';
import { defineRoute } from './route.ts';

/** From least to most. A role includes those before it. */
export const ROLES = ['viewer', 'member', 'admin'] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

/** Limits on what the tenant's live runs hold together. null = no limit. */
export const Quota = z.strictObject({
  cpu: z.number().positive().nullable().default(null),
  memory: z.number().int().positive().nullable().default(null),
  gpus: z.number().int().min(0).nullable().default(null),
});
export type Quota = z.infer<typeof Quota>;

export const Tenant = z.object({
  id: TenantId,
  number: z.number().int(),
  name: z.string(),
  displayName: z.string(),
  quota: Quota,
  /** The executors its runs may use; null = all there are. */
  executors: z.array(z.string()).nullable(),
  /** Its containers run without any capability, not even those that Docker gives to every container. */
  dropCapabilities: z.boolean(),
  createdAt: Instant,
});
export type Tenant = z.infer<typeof Tenant>;

/** Such as `local` or `docker`; see the nodes for what there is. null = all. */
const Executors = z
  .array(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/))
  .min(1, 'name at least one, or give null for all')
  .max(16)
  .nullable();

export const TenantParams = z.object({ tenant: NamedRef });

export const Member = z.object({ user: Person, role: Role });

export const listTenants = defineRoute({
  id: 'tenants.list',
  method: 'GET',
  path: '/v1/tenants',
  permission: 'signed-in',
  summary: 'The tenants I may see',
  query: PageQuery.extend({ text: SearchText }),
  response: pageOf(Tenant),
});

export const createTenant = defineRoute({
  id: 'tenants.create',
  method: 'POST',
  path: '/v1/tenants',
  permission: 'system-admin',
  summary: 'Create a tenant',
  body: z.strictObject({
    name: TenantName,
    displayName: Title.optional(),
    quota: Quota.optional(),
    executors: Executors.optional(),
    dropCapabilities: z.boolean().optional(),
  }),
  response: Tenant,
  status: 201,
  errors: ['name-taken'],
  idempotent: true,
});

export const getTenant = defineRoute({
  id: 'tenants.get',
  method: 'GET',
  path: '/v1/tenants/{tenant}',
  permission: 'tenant-viewer',
  summary: 'One tenant',
  params: TenantParams,
  response: Tenant,
});

export const updateTenant = defineRoute({
  id: 'tenants.update',
  method: 'PATCH',
  path: '/v1/tenants/{tenant}',
  permission: 'system-admin',
  summary: 'Change display name, quota, which executors may be used, or what containers may do',
  params: TenantParams,
  body: z.strictObject({ displayName: Title.optional(), quota: Quota.optional(), executors: Executors.optional(), dropCapabilities: z.boolean().optional() }),
  response: Tenant,
});

export const deleteTenant = defineRoute({
  id: 'tenants.delete',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}',
  permission: 'system-admin',
  summary: 'Delete an empty tenant',
  params: TenantParams,
  errors: ['tenant-not-empty'],
});

export const listMembers = defineRoute({
  id: 'members.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/members',
  permission: 'tenant-viewer',
  summary: 'Who works in this tenant, and as what',
  params: TenantParams,
  query: PageQuery,
  response: pageOf(Member),
});

const MemberParams = TenantParams.extend({ user: NamedRef });

export const putMember = defineRoute({
  id: 'members.put',
  method: 'PUT',
  path: '/v1/tenants/{tenant}/members/{user}',
  permission: 'tenant-admin',
  summary: 'Give a user a role in this tenant',
  params: MemberParams,
  body: z.strictObject({ role: Role }),
  response: Member,
});

export const removeMember = defineRoute({
  id: 'members.remove',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/members/{user}',
  permission: 'tenant-admin',
  summary: 'Take a user out of this tenant; their tokens here end',
  params: MemberParams,
});

export const tenantRoutes = [listTenants, createTenant, getTenant, updateTenant, deleteTenant, listMembers, putMember, removeMember];

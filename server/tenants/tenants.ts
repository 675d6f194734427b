/**
 * Tenants, their quotas and who works in them. A tenant the caller has no part in is `not-found`, like one that does not
 * exist. Whether a caller may do something is asked in `access`; here is what the answer rests on.
 */
export { createTenant } from './create-tenant.ts';
export { putMember } from './member-store.ts';
export { removeMember } from './remove-member.ts';
export { findStanding, listWorkplaces, tenantNotFound } from './tenant-store.ts';

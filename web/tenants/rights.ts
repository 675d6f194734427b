import type { Me } from '@sodate/contract/session.ts';

/** May start, stop and delete things in this tenant. The server decides; this only spares people buttons that fail. */
export const mayWork = (me: Me, tenant: string): boolean =>
  me.systemAdmin || me.tenants.some((one) => (one.name === tenant || one.id === tenant) && one.role !== 'viewer');

/** May choose who works in this tenant. */
export const mayAdminister = (me: Me, tenant: string): boolean =>
  me.systemAdmin || me.tenants.some((one) => (one.name === tenant || one.id === tenant) && one.role === 'admin');

import type { Quota, Tenant } from '@sodate/contract/tenants.ts';
import { formatBytes } from './bytes.ts';
import { fields } from './table.ts';
import { formatTime } from './time.ts';

export function formatQuota({ cpu, memory, gpus }: Quota): string {
  const limits = [cpu === null ? [] : [`${cpu} CPU`], memory === null ? [] : [formatBytes(memory)], gpus === null ? [] : [`${gpus} GPU`]].flat();
  return limits.length === 0 ? 'no limit' : limits.join(', ');
}

export const formatTenant = (tenant: Tenant): string =>
  fields([
    ['Tenant', tenant.name],
    ['Display name', tenant.displayName],
    ['Quota', formatQuota(tenant.quota)],
    ['Executors', tenant.executors === null ? 'all' : tenant.executors.join(', ')],
    ['Capabilities', tenant.dropCapabilities ? 'none' : 'usual'],
    ['Created', formatTime(tenant.createdAt)],
    ['Id', tenant.id],
  ]);

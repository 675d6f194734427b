import { z } from 'zod';
import { defineRoute } from './route.ts';
import { TenantParams } from './tenants.ts';

/** Something changed; load it again if it matters to you. Carries no content, so that rights are checked where it is read. */
export const ChangeEvent = z.object({
  topic: z.enum(['run', 'data', 'dataset', 'node', 'member', 'token', 'metrics']),
  id: z.string(),
  change: z.enum(['created', 'updated', 'deleted']),
});
export type ChangeEvent = z.infer<typeof ChangeEvent>;

export const followChanges = defineRoute({
  id: 'live.followChanges',
  method: 'GET',
  path: '/v1/tenants/{tenant}/events',
  permission: 'tenant-viewer',
  summary: 'Server-sent events: `change` for each change, `reload` when some may have been missed',
  params: TenantParams,
  answers: 'events',
});

export const liveRoutes = [followChanges];

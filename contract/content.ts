import { z } from 'zod';
import { RunRef, ThingRef } from './ids.ts';
import { Instant } from './paging.ts';
import { defineRoute } from './route.ts';
import { OutputPath } from './run-routes.ts';
import { TenantParams } from './tenants.ts';

/**
 * What can be opened at an address of its own, and where in it to begin. A file brings the folder it is in with it, so that
 * a page finds its pictures, styles and scripts.
 */
export const ContentTarget = z.discriminatedUnion('kind', [
  /** The output folder of a run. */
  z.strictObject({ kind: z.literal('output'), run: RunRef, path: OutputPath.default('') }),
  /** The files beside a run. */
  z.strictObject({ kind: z.literal('attachments'), run: RunRef, path: OutputPath.default('') }),
  /** The files of a data, by their names. */
  z.strictObject({ kind: z.literal('data'), data: ThingRef, path: OutputPath.default('') }),
]);
export type ContentTarget = z.input<typeof ContentTarget>;

export const Opening = z.object({
  /** Good for one use and until `ticketExpiresAt`; whoever uses it first sees the content, in that browser. */
  url: z.url(),
  ticketExpiresAt: Instant,
  /** When what was opened is to be opened again. It ends earlier with the sign-in, the membership or the thing itself. */
  expiresAt: Instant,
});
export type Opening = z.infer<typeof Opening>;

export const openContent = defineRoute({
  id: 'content.open',
  method: 'POST',
  path: '/v1/tenants/{tenant}/content',
  permission: 'tenant-viewer',
  // The address would be made from the door's name, which is none that a browser knows.
  jobDoor: 'closed',
  summary: 'Open what a job or a person wrote in a browser, at an address of its own from which the platform cannot be reached',
  params: TenantParams,
  body: ContentTarget,
  response: Opening,
  status: 201,
  errors: ['content-host-needed'],
});

export const contentRoutes = [openContent];

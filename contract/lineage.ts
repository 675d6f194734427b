import { z } from 'zod';
import { Instant } from './paging.ts';
import { defineRoute } from './route.ts';
import { TenantParams } from './tenants.ts';

/** What the graph connects: data → data set → run → run. */
export const LineageKind = z.enum(['data', 'dataset', 'run', 'commit']);
export type LineageKind = z.infer<typeof LineageKind>;

export const LineageNode = z.object({
  kind: LineageKind,
  /** The thing's id; for a commit `endpoint id:repository@commit`. */
  id: z.string(),
  label: z.string(),
  /** The thing was deleted since; the edge remains. */
  deleted: z.boolean(),
});

export const LineageEdge = z.object({
  from: z.object({ kind: LineageKind, id: z.string() }),
  to: z.object({ kind: LineageKind, id: z.string() }),
  /** How `to` came from `from`: `contains`, `derived`, `input`, `parent`, `code`. */
  relation: z.string(),
  createdAt: Instant,
});

export const getLineage = defineRoute({
  id: 'lineage.get',
  method: 'GET',
  path: '/v1/tenants/{tenant}/lineage/{kind}/{id}',
  permission: 'tenant-viewer',
  summary: 'Ancestors or descendants of a thing',
  params: TenantParams.extend({
    kind: LineageKind,
    id: z
      .string()
      .min(1)
      .max(1000)
      .regex(/^[^\u0000]*$/, 'must not contain NUL'),
  }),
  query: z.strictObject({
    direction: z.enum(['ancestors', 'descendants']).default('ancestors'),
    depth: z.coerce.number().int().min(1).max(100).default(100),
  }),
  response: z.object({ nodes: z.array(LineageNode), edges: z.array(LineageEdge), /** More exists than is shown. */ truncated: z.boolean() }),
});

export const lineageRoutes = [getLineage];

import { z } from 'zod';
import { ErrorThing } from './errors.ts';
import { RunRef } from './ids.ts';
import { Instant, Total } from './paging.ts';
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

const LineageParams = TenantParams.extend({
  kind: LineageKind,
  /** Its id; of data and data sets also the number, of runs kind and number. */
  id: z
    .string()
    .min(1)
    .max(1000)
    .regex(/^[^\u0000]*$/, 'must not contain NUL'),
});

export const getLineage = defineRoute({
  id: 'lineage.get',
  method: 'GET',
  path: '/v1/tenants/{tenant}/lineage/{kind}/{id}',
  permission: 'tenant-viewer',
  summary: 'Ancestors or descendants of a thing',
  params: LineageParams,
  query: z.strictObject({
    direction: z.enum(['ancestors', 'descendants']).default('ancestors'),
    depth: z.coerce.number().int().min(1).max(100).default(100),
  }),
  response: z.object({ nodes: z.array(LineageNode), edges: z.array(LineageEdge), /** More exists than is shown. */ truncated: z.boolean() }),
});

const LineageKey = z.object({ kind: LineageKind, id: z.string() });

export const getLineagePaths = defineRoute({
  id: 'lineage.paths',
  method: 'GET',
  path: '/v1/tenants/{tenant}/lineage/{kind}/{id}/paths',
  permission: 'tenant-viewer',
  summary: 'All ways by which another thing came from this one',
  params: LineageParams,
  query: z.strictObject({ toKind: LineageKind, toId: LineageParams.shape.id }),
  response: z.object({
    nodes: z.array(LineageNode),
    /** Each lies on a way; empty where the one did not come from the other. */
    edges: z.array(LineageEdge),
    /** One of the shortest ways, from this thing to the other; empty where there is none. */
    shortest: z.array(LineageKey),
    /** There may be more ways, or, where none is shown, one that was not found. */
    truncated: z.boolean(),
  }),
});

export const Affected = z.object({
  /** Living things stand on it: it cannot be deleted while they are there. */
  deletable: z.boolean(),
  /** The oldest of what stands on it. */
  blockedBy: z.object({ items: z.array(ErrorThing), total: Total }),
  /** Data sets that are not locked would lose it as an entry. */
  leaves: z.object({ items: z.array(ErrorThing), total: Total }),
  /** Everything that came from it, near or far, and is still there; its ancestry would go on showing the deleted thing. */
  descendants: z.object({
    counts: z.object({ data: z.number().int(), dataset: z.number().int(), run: z.number().int(), commit: z.number().int() }),
    /** False: counting ended at a limit, and there are more. */
    exact: z.boolean(),
    items: z.array(LineageNode),
  }),
});
export type Affected = z.infer<typeof Affected>;

export const getAffected = defineRoute({
  id: 'lineage.affected',
  method: 'GET',
  path: '/v1/tenants/{tenant}/lineage/{kind}/{id}/affected',
  permission: 'tenant-viewer',
  summary: 'What deleting a thing would touch, and what keeps it from being deleted',
  params: LineageParams,
  response: Affected,
});

/** OpenLineage events as JSON lines (`application/x-ndjson`), in the order in which they happened. */
export const exportOpenLineage = defineRoute({
  id: 'lineage.openLineage',
  method: 'GET',
  path: '/v1/tenants/{tenant}/lineage/openlineage',
  permission: 'tenant-viewer',
  summary: 'Starts and ends of runs as OpenLineage events, one JSON a line, oldest first',
  params: TenantParams,
  query: z.strictObject({
    /** What happened at this instant or later. */
    since: Instant.optional(),
    /** One run only. */
    run: RunRef.optional(),
  }),
  answers: 'bytes',
});

export const lineageRoutes = [getLineage, getLineagePaths, getAffected, exportOpenLineage];

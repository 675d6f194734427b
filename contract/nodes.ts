import { z } from 'zod';
import { NamedRef, NodeId } from './ids.ts';
import { PartitionName } from './names.ts';
import { Instant } from './paging.ts';
import { defineRoute } from './route.ts';

/** A machine that runs things. Counted once, however many executors run on it. */
export const Node = z.object({
  id: NodeId,
  number: z.number().int(),
  name: z.string(),
  partition: z.string().nullable(),
  /** New runs are placed here. */
  enabled: z.boolean(),
  /** null when healthy, else what is wrong. */
  problem: z.string().nullable(),
  executors: z.array(
    z.object({ id: z.string(), isolation: z.enum(['container', 'sandbox', 'none']), images: z.union([z.array(z.string()), z.literal('any')]) }),
  ),
  capacity: z.object({ cpu: z.number(), memory: z.number().int(), gpus: z.number().int() }),
  used: z.object({ cpu: z.number(), memory: z.number().int(), gpus: z.number().int() }),
  seenAt: Instant,
});
export type Node = z.infer<typeof Node>;

export const listNodes = defineRoute({
  id: 'nodes.list',
  method: 'GET',
  path: '/v1/nodes',
  permission: 'signed-in',
  summary: 'The machines, what they have and what is in use',
  response: z.object({ items: z.array(Node) }),
});

export const updateNode = defineRoute({
  id: 'nodes.update',
  method: 'PATCH',
  path: '/v1/nodes/{node}',
  permission: 'system-admin',
  summary: 'Put a node into a partition, or take it out of service for new runs',
  params: z.object({ node: NamedRef }),
  body: z.strictObject({ partition: PartitionName.nullable().optional(), enabled: z.boolean().optional() }),
  response: Node,
});

export const nodeRoutes = [listNodes, updateNode];

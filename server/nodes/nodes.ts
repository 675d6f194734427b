import { type Executor, type InventoryNode, isEngineUnreachable } from '#executors/executor.ts';
import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import { sql } from 'kysely';

/** A machine as placement sees it. Its executors share what it has: it is counted once. */
export interface NodeForPlacement {
  readonly id: string;
  readonly partition: string | null;
  readonly open: boolean;
  readonly executors: readonly { readonly id: string; readonly images: readonly string[] | 'any'; readonly isolation: string }[];
  readonly capacity: { readonly cpuMilli: number; readonly memoryBytes: number; readonly gpus: number };
  readonly used: { readonly cpuMilli: number; readonly memoryBytes: number; readonly gpus: number };
  readonly freeGpus: readonly string[];
}

/** A node nobody has seen for this long takes nothing new. */
const NODE_SILENCE_MS = 60_000;

interface PlacementRow {
  readonly id: string;
  readonly partition: string | null;
  readonly open: boolean;
  readonly executors: NodeForPlacement['executors'] | null;
  readonly cpu_milli: number;
  readonly memory_bytes: number;
  readonly used_cpu: number;
  readonly used_memory: number;
  readonly gpus: number;
  readonly free_gpus: readonly string[];
}

export async function readPlacementNodes(db: Database, now: Date): Promise<readonly NodeForPlacement[]> {
  const { rows } = await sql<PlacementRow>`
    select n.id, n.partition, n.enabled and n.problem is null and n.seen_at > ${new Date(now.getTime() - NODE_SILENCE_MS)} as open, n.cpu_milli, n.memory_bytes,
      (select jsonb_agg(jsonb_build_object('id', e.executor, 'images', e.images, 'isolation', e.isolation) order by e.executor)
        from node_executors e where e.node_id = n.id and e.problem is null) as executors,
      coalesce(held.cpu, 0)::bigint as used_cpu, coalesce(held.memory, 0)::bigint as used_memory,
      (select count(*)::int from node_gpus g where g.node_id = n.id) as gpus,
      array(select g.gpu from node_gpus g where g.node_id = n.id and not exists
        (select 1 from gpu_allocations x where x.node_id = g.node_id and x.gpu = g.gpu) order by g.gpu) as free_gpus
    from nodes n left join lateral (
      select sum(a.cpu_milli) as cpu, sum(a.memory_bytes) as memory from attempts a where a.node_id = n.id and a.released_at is null
    ) held on true`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    partition: row.partition,
    open: row.open && row.executors !== null,
    executors: row.executors ?? [],
    capacity: { cpuMilli: row.cpu_milli, memoryBytes: row.memory_bytes, gpus: row.gpus },
    used: { cpuMilli: row.used_cpu, memoryBytes: row.used_memory, gpus: row.gpus - row.free_gpus.length },
    freeGpus: row.free_gpus,
  }));
}

/**
 * Writes down what the executors attached to this server say of their machines. Executors of one machine are one node: of
 * what they say of its size the smaller counts, since that is what both can give. An executor that cannot be reached keeps
 * what was known of it, with its problem. A GPU that has vanished stays while an attempt holds it.
 */
export async function recordInventory(db: Database, executors: readonly Executor[], now: Date): Promise<void> {
  const seen = new Map<string, { readonly executor: Executor; readonly node: InventoryNode }[]>();
  for (const executor of executors) {
    try {
      const { nodes } = await executor.inventory();
      for (const node of nodes) seen.set(node.name, [...(seen.get(node.name) ?? []), { executor, node }]);
    } catch (error) {
      if (!isEngineUnreachable(error)) throw error;
      await db.updateTable('node_executors').set({ problem: error.message }).where('executor', '=', executor.id).execute();
    }
  }
  for (const [name, views] of seen) await recordNode(db, name, views, now);
}

async function recordNode(
  db: Database,
  name: string,
  views: readonly { readonly executor: Executor; readonly node: InventoryNode }[],
  now: Date,
): Promise<void> {
  const size = {
    cpu_milli: Math.min(...views.map(({ node }) => node.cpuMilli)),
    memory_bytes: Math.min(...views.map(({ node }) => node.memoryBytes)),
    problem: null,
    seen_at: now,
  };
  await db.transaction().execute(async (tx) => {
    const { id } = await tx
      .insertInto('nodes')
      .values({ id: newId(), name, ...size })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(size))
      .returning('id')
      .executeTakeFirstOrThrow();
    for (const { executor, node } of views) {
      const { isolation } = executor.capabilities;
      const said = { isolation, images: JSON.stringify(executor.capabilities.images), problem: node.problem, seen_at: now };
      await tx
        .insertInto('node_executors')
        .values({ node_id: id, executor: executor.id, ...said })
        .onConflict((conflict) => conflict.columns(['node_id', 'executor']).doUpdateSet(said))
        .execute();
      for (const gpu of node.gpus) {
        await tx
          .insertInto('node_gpus')
          .values({ node_id: id, gpu: gpu.id, model: gpu.model, memory_bytes: gpu.memoryBytes })
          .onConflict((conflict) => conflict.columns(['node_id', 'gpu']).doUpdateSet({ model: gpu.model, memory_bytes: gpu.memoryBytes }))
          .execute();
      }
    }
  });
}

/** Numbers of the tenants that have an attempt which is not proved gone. */
export async function readTenantsInUse(db: Database): Promise<ReadonlySet<number>> {
  const rows = await db
    .selectFrom('attempts')
    .innerJoin('tenants', 'tenants.id', 'attempts.tenant_id')
    .select('tenants.number')
    .distinct()
    .where('attempts.released_at', 'is', null)
    .execute();
  return new Set(rows.map(({ number }) => number));
}

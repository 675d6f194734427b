import type { Database } from '#kit/db/open-database.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import * as routes from '@sodate/contract/nodes.ts';
import { type ExpressionBuilder, sql } from 'kysely';
import type { DB } from '#kit/db/tables.ts';
import type { z } from 'zod';

interface NodeRow {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly partition: string | null;
  readonly enabled: boolean;
  readonly problem: string | null;
  readonly seen_at: Date;
  readonly cpu_milli: number;
  readonly memory_bytes: number;
  readonly executors: { id: string; isolation: 'container' | 'sandbox' | 'none'; images: string[] | 'any' }[] | null;
  readonly gpus: number;
  readonly used_cpu: number;
  readonly used_memory: number;
  readonly used_gpus: number;
}

async function listNodeRows(db: Database): Promise<readonly NodeRow[]> {
  const { rows } = await sql<NodeRow>`
    select n.*, (select count(*)::int from node_gpus g where g.node_id = n.id) as gpus,
      (select count(*)::int from gpu_allocations g where g.node_id = n.id) as used_gpus,
      coalesce((select min(e.problem) from node_executors e where e.node_id = n.id), n.problem) as problem,
      (select jsonb_agg(jsonb_build_object('id', e.executor, 'isolation', e.isolation, 'images', e.images) order by e.executor) from node_executors e where e.node_id = n.id) as executors,
      coalesce((select sum(a.cpu_milli) from attempts a where a.node_id = n.id and a.released_at is null), 0)::bigint as used_cpu,
      coalesce((select sum(a.memory_bytes) from attempts a where a.node_id = n.id and a.released_at is null), 0)::bigint as used_memory
    from nodes n order by n.number`.execute(db);
  return rows;
}

const show = (row: NodeRow): z.input<typeof routes.Node> => ({
  id: row.id,
  number: row.number,
  name: row.name,
  partition: row.partition,
  enabled: row.enabled,
  problem: row.problem,
  executors: row.executors ?? [],
  capacity: { cpu: row.cpu_milli / 1000, memory: row.memory_bytes, gpus: row.gpus },
  used: { cpu: row.used_cpu / 1000, memory: row.used_memory, gpus: row.used_gpus },
  seenAt: row.seen_at.toISOString(),
});

const named = (reference: string) => (where: ExpressionBuilder<DB, 'nodes'>) =>
  where.or([where('name', '=', reference), where(sql<string>`id::text`, '=', reference), where(sql<string>`number::text`, '=', reference.replace(/^#/, ''))]);

export function bindNodeRoutes(binder: Binder, parts: { readonly db: Database; readonly changes: ChangeFeed; readonly engine: { hintQueue(): void } }): void {
  const { db, changes, engine } = parts;
  binder.bind(routes.listNodes, async () => ({ items: (await listNodeRows(db)).map(show) }));
  binder.bind(routes.updateNode, async ({ params, body }) => {
    const { partition, enabled } = body;
    const found = await db.selectFrom('nodes').select('id').where(named(params.node)).executeTakeFirst();
    if (found === undefined) throw new SodateError('not-found', { thing: 'node', reference: params.node });
    const set = { ...(partition === undefined ? {} : { partition }), ...(enabled === undefined ? {} : { enabled }) };
    if (Object.keys(set).length > 0) await db.updateTable('nodes').set(set).where('id', '=', found.id).execute();
    changes.publish({ tenant: null, topic: 'node', id: found.id, change: 'updated' });
    engine.hintQueue();
    const row = (await listNodeRows(db)).find(({ id }) => id === found.id);
    if (row === undefined) throw new SodateError('not-found', { thing: 'node', reference: params.node });
    return show(row);
  });
}

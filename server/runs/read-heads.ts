import type { Database } from '#kit/db/open-database.ts';
import type { QueueHead } from '#runs/place-runs.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface HeadRow extends QueueHead {
  readonly tenant: TenantId;
}

interface HeadSqlRow {
  readonly tenant_id: string;
  readonly part: string;
  readonly shape: string;
  readonly nth: number;
  /** null, with all that follows, where the group has no head now. */
  readonly id: string | null;
  readonly partition: string | null;
  readonly image: string;
  readonly priority: number;
  readonly queued_at: Date;
  readonly cpu_milli: number;
  readonly memory_bytes: number;
  readonly gpus: number;
}

/** Over all groups: ten times what a busy machine starts in a second. */
const HEADS_PER_PASS = 1_000;

/** Where a stretch of groups ended. */
export interface QueueGroup {
  readonly tenant: string;
  readonly partition: string;
  readonly shape: string;
}

/**
 * The first runs of each group of alike ones (tenant, partition, shape). The groups are found by jumping through the
 * queue's index from one to the next, so the cost follows the number of groups and not the length of the queue.
 * Of more than `groups` groups a pass sees a stretch; the next goes on after `next`, so that each has its turn. A group
 * whose runs only wait for another try counts as one without heads. Of many groups a pass sees fewer runs each, so that
 * its cost has a bound; `more`: there may be further runs in a group beyond those seen.
 */
export async function readHeads(
  db: Database,
  ask: { readonly now: Date; readonly groups: number; readonly perGroup: number; readonly after: QueueGroup | null },
): Promise<{ readonly rows: readonly HeadRow[]; readonly next: QueueGroup | null; readonly more: boolean }> {
  const { after } = ask;
  const start = after === null ? sql`true` : sql`(tenant_id, coalesce(partition, ''), shape) > (${after.tenant}::uuid, ${after.partition}, ${after.shape})`;
  const { rows } = await sql<HeadSqlRow>`
    with recursive found as (
      (select tenant_id, coalesce(partition, '') as part, shape, 1 as nth from runs where state = 'queued' and ${start}
        order by tenant_id, coalesce(partition, ''), shape limit 1)
      union all
      (select n.tenant_id, n.part, n.shape, f.nth + 1 from found f cross join lateral (
        select tenant_id, coalesce(partition, '') as part, shape from runs
        where state = 'queued' and (tenant_id, coalesce(partition, ''), shape) > (f.tenant_id, f.part, f.shape)
        order by tenant_id, coalesce(partition, ''), shape limit 1) n
        where f.nth < ${ask.groups})
    )
    select f.tenant_id, f.part, f.shape, f.nth, h.* from found f left join lateral (
      select id, partition, image, priority, queued_at, cpu_milli, memory_bytes, gpus from runs
      where state = 'queued' and tenant_id = f.tenant_id and coalesce(partition, '') = f.part and shape = f.shape and due_at <= ${ask.now}
      order by priority desc, queued_at, id
      limit (select greatest(1, least(${ask.perGroup}::int, ${HEADS_PER_PASS}::int / max(nth)))::int from found)) h on true
    order by f.nth`.execute(db);
  const heads = rows
    .filter((row) => row.id !== null)
    .map((row): HeadRow => ({
      run: row.id ?? '',
      tenant: row.tenant_id as TenantId,
      partition: row.partition,
      shape: row.shape,
      image: row.image,
      priority: row.priority,
      queuedAt: row.queued_at,
      ask: { cpuMilli: row.cpu_milli, memoryBytes: row.memory_bytes, gpus: row.gpus },
    }));
  const last = rows.at(-1);
  const next = last !== undefined && last.nth >= ask.groups ? { tenant: last.tenant_id, partition: last.part, shape: last.shape } : null;
  // As the statement has it.
  const limit = Math.max(1, Math.min(ask.perGroup, Math.floor(HEADS_PER_PASS / (last?.nth ?? 1))));
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(row.nth, (counts.get(row.nth) ?? 0) + (row.id === null ? 0 : 1));
  return { rows: heads, next, more: [...counts.values()].some((count) => count >= limit) };
}

import type { Database } from '#kit/db/open-database.ts';
import type { TenantShare } from '#runs/place-runs.ts';
import { sql } from 'kysely';

interface ShareRow {
  readonly id: string;
  readonly quota_cpu_milli: number | null;
  readonly quota_memory_bytes: number | null;
  readonly quota_gpus: number | null;
  readonly executors: readonly string[] | null;
  readonly cpu_milli: number;
  readonly memory_bytes: number;
  readonly gpus: number;
}

/** What each of these tenants may hold, and holds now. Held = by attempts not yet proved gone. */
export async function readTenantShares(db: Database, tenants: readonly string[]): Promise<ReadonlyMap<string, TenantShare>> {
  const { rows } = await sql<ShareRow>`
    select t.id, t.quota_cpu_milli, t.quota_memory_bytes, t.quota_gpus, t.executors,
      coalesce(sum(a.cpu_milli), 0)::bigint as cpu_milli, coalesce(sum(a.memory_bytes), 0)::bigint as memory_bytes,
      coalesce(sum(cardinality(a.gpus)), 0)::int as gpus
    from tenants t left join attempts a on a.tenant_id = t.id and a.released_at is null
    where t.id = any(${tenants}) group by t.id`.execute(db);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        quota: { cpuMilli: row.quota_cpu_milli, memoryBytes: row.quota_memory_bytes, gpus: row.quota_gpus },
        used: { cpuMilli: row.cpu_milli, memoryBytes: row.memory_bytes, gpus: row.gpus },
        executors: row.executors,
      },
    ]),
  );
}

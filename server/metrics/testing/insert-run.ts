import type { Database } from '#kit/db/open-database.ts';
import { newId } from '#kit/ids.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface InsertedRun {
  readonly tenant: TenantId;
  readonly run: RunId;
}

/** A row of a run, in a tenant of its own unless one is given, for tests of what belongs to runs. */
export async function insertRun(db: Database, now: Date, options: { readonly tenant?: TenantId; readonly state?: string } = {}): Promise<InsertedRun> {
  const [tenant, run, user] = [options.tenant ?? newId<TenantId>(), newId<RunId>(), newId()];
  const state = options.state ?? 'running';
  await db
    .insertInto('users')
    .values({ id: user, name: `user-${user}`, display_name: 'Somebody', created_at: now })
    .execute();
  await sql`insert into tenants (id, name, display_name, created_at) values (${tenant}, ${`tenant-${tenant}`}, 'T', ${now}) on conflict do nothing`.execute(db);
  await sql`
    insert into runs (tenant_id, id, kind, number, name, memo, tags, state, request, warnings, image, cpu_milli, memory_bytes, gpus, priority, shape,
      retries, created_by, created_at, queued_at, started_at, ended_at, due_at)
    values (${tenant}, ${run}, 'task', nextval('number_task'), 'a run', '', '{}', ${state}, '{}', '[]', 'host', 100, 1000, 0, 0, 's',
      '{}', ${user}, ${now}, ${now}, ${now}, ${state === 'running' ? null : now}, ${now})`.execute(db);
  return { tenant, run };
}

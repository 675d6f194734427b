import type { Database } from '#kit/db/open-database.ts';
import { boundedTotal, containing, cutPage, decodeCursor } from '#kit/db/page.ts';
import type { RunViewRow } from '#runs/run-view.ts';
import type { listRuns } from '@sodate/contract/run-routes.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import type { z } from 'zod';

export type RunFilter = z.output<(typeof listRuns)['query']>;

function viewQuery(db: Database, tenant: TenantId) {
  return db
    .selectFrom('runs')
    .innerJoin('users', 'users.id', 'runs.created_by')
    .leftJoin('attempts', 'attempts.id', 'runs.attempt_id')
    .leftJoin('nodes', 'nodes.id', 'attempts.node_id')
    .where('runs.tenant_id', '=', tenant)
    .select([
      'runs.id',
      'runs.number',
      'runs.kind',
      'runs.name',
      'runs.memo',
      'runs.tags',
      'runs.favourite',
      'runs.state',
      'runs.exit_code',
      'runs.failure_class',
      'runs.failure_message',
      'runs.output_value',
      'runs.cpu_milli',
      'runs.memory_bytes',
      'runs.gpus',
      'runs.partition',
      'runs.image',
      'runs.attempt',
      'runs.created_at',
      'runs.started_at',
      'runs.ended_at',
      'attempts.phase',
      'attempts.phase_progress',
      'nodes.name as node_name',
      'users.id as user_id',
      'users.name as user_name',
      'users.display_name as user_display_name',
    ]);
}

export async function readRunView(db: Database, tenant: TenantId, run: string): Promise<RunViewRow | undefined> {
  return viewQuery(db, tenant).where('runs.id', '=', run).executeTakeFirst();
}

export async function listRunViews(db: Database, tenant: TenantId, filter: RunFilter) {
  const after = decodeCursor(filter.cursor);
  const matching = db
    .selectFrom('runs')
    .where('runs.tenant_id', '=', tenant)
    .$if(filter.kind !== undefined, (query) => query.where('runs.kind', 'in', filter.kind ?? []))
    .$if(filter.state !== undefined, (query) => query.where('runs.state', 'in', filter.state ?? []))
    .$if(filter.favourite !== undefined, (query) => query.where('runs.favourite', '=', filter.favourite ?? false))
    .$if(filter.tag !== undefined, (query) => query.where('runs.tags', '@>', filter.tag ?? []))
    .$if(filter.text !== undefined, (query) => query.where(sql<boolean>`(runs.name || ' ' || runs.memo) ilike ${containing(filter.text ?? '')}`))
    .$if(filter.createdBy !== undefined, (query) =>
      query.where('runs.created_by', 'in', (users) =>
        users
          .selectFrom('users')
          .select('id')
          .where(sql<boolean>`lower(name) = lower(${filter.createdBy})`),
      ),
    );
  const ids = matching
    .$if(after !== null, (query) => query.where(sql<boolean>`(runs.created_at, runs.id) < (${after?.at ?? new Date(0)}, ${after?.id ?? ''}::uuid)`))
    .select('runs.id')
    .orderBy('runs.created_at', 'desc')
    .orderBy('runs.id', 'desc')
    .limit(filter.limit + 1);
  const [rows, total] = await Promise.all([
    viewQuery(db, tenant).where('runs.id', 'in', ids).orderBy('runs.created_at', 'desc').orderBy('runs.id', 'desc').execute(),
    boundedTotal(matching),
  ]);
  return { ...cutPage(rows, filter.limit), total };
}

/** What only the page of one run shows. */
export async function readRunRest(db: Database, run: string) {
  return db.selectFrom('runs').select(['tenant_id', 'request', 'time_limit_seconds', 'priority', 'warnings']).where('id', '=', run).executeTakeFirstOrThrow();
}

export async function listAttemptRows(db: Database, tenant: TenantId, run: string) {
  return db
    .selectFrom('attempts')
    .innerJoin('nodes', 'nodes.id', 'attempts.node_id')
    .where('attempts.tenant_id', '=', tenant)
    .where('attempts.run_id', '=', run)
    .select([
      'attempts.id',
      'attempts.number',
      'attempts.executor',
      'nodes.name as node_name',
      'attempts.isolation',
      'attempts.image_digest',
      'attempts.handle',
      'attempts.exit_code',
      'attempts.signal',
      'attempts.failure_class',
      'attempts.failure_message',
      'attempts.placed_at',
      'attempts.started_at',
      'attempts.ended_at',
      'attempts.released_at',
    ])
    .orderBy('attempts.number')
    .execute();
}

export async function readTimeline(db: Database, tenant: TenantId, run: string) {
  return db
    .selectFrom('run_timeline')
    .select(['at', 'state', 'attempt', 'note'])
    .where('tenant_id', '=', tenant)
    .where('run_id', '=', run)
    .orderBy('seq')
    .execute();
}

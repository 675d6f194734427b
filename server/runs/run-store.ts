import type { Database } from '#kit/db/open-database.ts';
import { RUN_LIST } from '#runs/run-search.ts';
import type { RunViewRow } from '#runs/run-view.ts';
import { findInList, inOrderOf, textCondition } from '#search/search.ts';
import { isPerson } from '#search/search-fields.ts';
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
      'runs.failure_words',
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

/** @throws SodateError `search-not-understood`, `search-too-slow`, `invalid-cursor` */
export async function listRunViews(db: Database, tenant: TenantId, filter: RunFilter, now: Date) {
  const found = await findInList(db, RUN_LIST, { tenant, now }, filter, [
    ...(filter.kind === undefined ? [] : [sql<boolean>`runs.kind = any(${filter.kind})`]),
    ...(filter.state === undefined ? [] : [sql<boolean>`runs.state = any(${filter.state})`]),
    ...(filter.favourite === undefined ? [] : [sql<boolean>`runs.favourite = ${filter.favourite}`]),
    ...(filter.tag === undefined ? [] : [sql<boolean>`runs.tags @> ${filter.tag}::text[]`]),
    ...(filter.text === undefined ? [] : [textCondition(RUN_LIST, filter.text)]),
    ...(filter.createdBy === undefined ? [] : [isPerson(sql`runs.created_by`, filter.createdBy)]),
  ]);
  const rows = await viewQuery(db, tenant)
    .where(sql<boolean>`runs.id = any(${found.ids}::uuid[])`)
    .execute();
  return { rows: inOrderOf(found.ids, rows), nextCursor: found.nextCursor, total: found.total };
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
      'attempts.failure_words',
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
    .select(['at', 'state', 'attempt', 'note', 'words'])
    .where('tenant_id', '=', tenant)
    .where('run_id', '=', run)
    .orderBy('seq')
    .execute();
}

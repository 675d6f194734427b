import type { Database } from '#kit/db/open-database.ts';
import { SERIES_COLUMNS, type SeriesRow } from '#metrics/series-store.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import type { SeriesKind } from '@sodate/contract/metrics.ts';
import { sql } from 'kysely';

/** Series of a run by name, from a name on, whose names begin with a text. */
export async function selectSeries(
  db: Database,
  tenant: TenantId,
  run: RunId,
  ask: {
    readonly kinds: readonly SeriesKind[];
    readonly prefix: string;
    readonly after: { readonly name: string; readonly id: number } | null;
    readonly limit: number;
  },
): Promise<readonly SeriesRow[]> {
  let query = db
    .selectFrom('metric_series')
    .select(SERIES_COLUMNS)
    .where('tenant_id', '=', tenant)
    .where('run_id', '=', run)
    .where('kind', 'in', ask.kinds)
    .where(sql<boolean>`starts_with(name, ${ask.prefix})`);
  const { after } = ask;
  if (after !== null) query = query.where(sql<boolean>`(name collate "C", id) > (${after.name}, ${after.id})`);
  const rows = await query
    .orderBy(sql`name collate "C"`)
    .orderBy('id')
    .limit(ask.limit)
    .execute();
  return rows as SeriesRow[];
}

/** The series of these names, of one kind, of some runs. */
export async function findSeries(
  db: Database,
  tenant: TenantId,
  runs: readonly RunId[],
  names: readonly string[],
  kind: SeriesKind = 'scalar',
): Promise<readonly (SeriesRow & { readonly run_id: RunId })[]> {
  const rows = await db
    .selectFrom('metric_series')
    .select([...SERIES_COLUMNS, 'run_id'])
    .where('tenant_id', '=', tenant)
    .where('kind', '=', kind)
    .where(sql<boolean>`run_id = any(${runs}::uuid[])`)
    .where(sql<boolean>`name = any(${names}::text[])`)
    .orderBy('name')
    .execute();
  return rows as (SeriesRow & { run_id: RunId })[];
}

/** What is known of every scalar of some runs: last, least and greatest values. */
export async function selectLatest(
  db: Database,
  tenant: TenantId,
  runs: readonly RunId[],
  limit: number,
): Promise<readonly (SeriesRow & { readonly run_id: RunId })[]> {
  const rows = await db
    .selectFrom('metric_series')
    .select([...SERIES_COLUMNS, 'run_id'])
    .where('tenant_id', '=', tenant)
    .where('kind', '=', 'scalar')
    .where(sql<boolean>`run_id = any(${runs}::uuid[])`)
    .orderBy('run_id')
    .orderBy(sql`name collate "C"`)
    .limit(limit)
    .execute();
  return rows as (SeriesRow & { run_id: RunId })[];
}

import type { Database } from '#kit/db/open-database.ts';
import { groupBy } from '#metrics/group-by.ts';
import { showNullable } from '#metrics/show-metrics.ts';
import { SERIES_COLUMNS, type SeriesRow } from '#metrics/series-store.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import type { RunMetric } from '@sodate/contract/runs.ts';
import type { MetricLosses, SeriesKind } from '@sodate/contract/metrics.ts';
import { type RawBuilder, sql } from 'kysely';
import type { z } from 'zod';

interface SeriesFilter {
  readonly kinds: readonly SeriesKind[];
  /** Of the name. */
  readonly prefix: string;
}

const matching = (db: Database, tenant: TenantId, run: RunId, { kinds, prefix }: SeriesFilter) =>
  db
    .selectFrom('metric_series')
    .where('tenant_id', '=', tenant)
    .where('run_id', '=', run)
    .where('kind', 'in', kinds)
    .$if(prefix !== '', (query) => query.where(sql<boolean>`starts_with(name, ${prefix})`));

/** Series of a run by name, those after the one with the id `after`. */
export async function selectSeries(
  db: Database,
  tenant: TenantId,
  run: RunId,
  ask: SeriesFilter & { readonly after: number | null; readonly limit: number },
): Promise<readonly SeriesRow[]> {
  const { after } = ask;
  const rows = await matching(db, tenant, run, ask)
    .$if(after !== null, (query) =>
      query.where(
        sql<boolean>`(name collate "C", id) > (select name collate "C", id from metric_series where tenant_id = ${tenant} and run_id = ${run} and id = ${after})`,
      ),
    )
    .select(SERIES_COLUMNS)
    .orderBy(sql`name collate "C"`)
    .orderBy('id')
    .limit(ask.limit)
    .execute();
  return rows as SeriesRow[];
}

/** A run has a bounded number of them, so they are counted in full. */
export async function countSeries(db: Database, tenant: TenantId, run: RunId, filter: SeriesFilter): Promise<number> {
  const { count } = await matching(db, tenant, run, filter)
    .select(sql<number>`count(*)`.as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** What could not be taken of what a run wrote. */
export async function readLosses(db: Database, tenant: TenantId, run: RunId): Promise<z.input<typeof MetricLosses>> {
  const row = await db
    .selectFrom('metric_runs')
    .select(['dropped_points', 'malformed_lines', 'damaged_records', 'skipped_files', 'folder_too_large'])
    .where('tenant_id', '=', tenant)
    .where('run_id', '=', run)
    .executeTakeFirst();
  return {
    dropped: row?.dropped_points ?? 0,
    malformedLines: row?.malformed_lines ?? 0,
    damagedRecords: row?.damaged_records ?? 0,
    skippedFiles: row?.skipped_files ?? 0,
    folderTooLarge: row?.folder_too_large ?? false,
  };
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

/** Chosen metrics of the runs of a list: by run, in the order of the names. */
export async function metricColumns(
  db: Database,
  tenant: TenantId,
  runs: readonly RunId[],
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly RunMetric[]>> {
  const rows = await findSeries(db, tenant, runs, names);
  const shown = groupBy(
    rows.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name)),
    ({ run_id }) => run_id as string,
  );
  return new Map(
    [...shown].map(([run, some]) => [
      run,
      some.map((row) => ({ name: row.name, last: showNullable(row.last_value), min: showNullable(row.min_value), max: showNullable(row.max_value) })),
    ]),
  );
}

const LATEST_COLUMNS = ['name', 'last_value', 'last_at', 'last_step', 'min_value', 'max_value'] as const;

/** What is known of every scalar of some runs: last, least and greatest values. */
export async function selectLatest(
  db: Database,
  tenant: TenantId,
  runs: readonly RunId[],
  limit: number,
): Promise<readonly (Pick<SeriesRow, (typeof LATEST_COLUMNS)[number]> & { readonly run_id: string })[]> {
  return db
    .selectFrom('metric_series')
    .select([...LATEST_COLUMNS, 'run_id'])
    .where('tenant_id', '=', tenant)
    .where('kind', '=', 'scalar')
    .where(sql<boolean>`run_id = any(${runs}::uuid[])`)
    .orderBy('run_id')
    .orderBy(sql`name collate "C"`)
    .limit(limit)
    .execute();
}

/** The last point of a scalar: its name, value, instant and step. What no JSON number can be is a text, such as `NaN`. */
export type LatestPoint = readonly [name: string, value: number | 'NaN' | 'Infinity' | '-Infinity' | null, at: number | null, step: number | null];

/**
 * The last points of all scalars of a run by name, as JSON, as a part of a statement; null where `runs`, of which the run is
 * one, have more than `limit` together. A row for each takes several times as long on its way. By the run's index, whatever is
 * known of the tables (see `holdTogether`).
 */
export const latestAsJson = (tenant: TenantId, run: RawBuilder<unknown>, runs: readonly RunId[], limit: number): RawBuilder<unknown> => sql`
  case when (select coalesce(sum(m.series), 0) from metric_runs m
    where m.run_id = any(${runs}::uuid[]) and m.tenant_id is not distinct from ${tenant}) <= ${limit}
    or (select count(*) from (select from metric_series s where s.tenant_id = ${tenant} and s.kind = 'scalar' and s.run_id = any(${runs}::uuid[])
      limit ${limit + 1}) s) <= ${limit}
  then coalesce((select json_agg(json_build_array(s.name, s.last_value, s.last_at, s.last_step) order by s.name collate "C") from metric_series s
    where s.run_id = ${run} and s.tenant_id is not distinct from ${tenant} and s.kind is not distinct from 'scalar'), '[]') end`;

import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { SERIES_COLUMNS, type SeriesRow } from '#metrics/series-store.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** A run whose metrics are held: what it has, and of the series asked for those that are there, by tag. */
export interface HeldRun {
  readonly series: number;
  readonly points: number;
  /** It had no metrics before, and so no parameters either. */
  readonly fresh: boolean;
  readonly present: Map<string, SeriesRow>;
}

export interface WantedSeries {
  readonly run: RunId;
  readonly tags: readonly string[];
}

type Row = SeriesRow & { readonly run_id: RunId; readonly series_of_run: number; readonly points_of_run: number; readonly fresh: boolean };

/**
 * As `holdMetrics` for several runs of a tenant and their series of requests, in one statement when all of them are there or
 * their run is new. Waits for nobody.
 * @returns by run; without those that somebody else holds
 */
export async function holdTogether(tx: DatabaseTransaction, tenant: TenantId, wanted: readonly WantedSeries[]): Promise<ReadonlyMap<RunId, HeldRun>> {
  if (wanted.length === 0) return new Map();
  const runs = wanted.map(({ run }) => run);
  const pairs = wanted.flatMap(({ run, tags }) => tags.map((tag) => ({ run, tag })));
  // Both rows are locked, as in `holdPresentSeries`. Asked in this form it goes by the indexes that begin with the run, whatever
  // is known of the tables: plans are kept by each connection, and one that was made while there were few series went on to
  // look through all of a tenant's, by the index over last values, for 1 ms of each point. No index serves `is not distinct`, and the limits
  // have it expect few rows, without which it would plan anew each time.
  const { rows } = await sql<Row>`
    with present as (
      select found.* from (select * from unnest(${pairs.map(({ run }) => run)}::uuid[], ${pairs.map(({ tag }) => tag)}::text[]) as w (run_id, tag)
          limit ${pairs.length}) as wanted
        cross join lateral (
          select m.run_id, m.series as series_of_run, m.points as points_of_run, false as fresh,
            ${sql.join(SERIES_COLUMNS.map((column) => sql.ref(`s.${column}`)))}
          from metric_runs m join metric_series s on s.run_id = m.run_id
          where m.run_id = wanted.run_id and s.run_id = wanted.run_id and s.origin = 'api' and s.tag = wanted.tag and s.kind is not distinct from 'scalar'
            and m.tenant_id is not distinct from ${tenant} and s.tenant_id is not distinct from ${tenant}
          limit 1 for update of m, s skip locked
        ) as found
    ), made as (
      insert into metric_runs (tenant_id, run_id)
      select ${tenant}, wanted.run_id from (select * from unnest(${runs}::uuid[]) as w (run_id) limit ${runs.length}) as wanted
      where (select m.run_id from metric_runs m where m.run_id = wanted.run_id) is null
      on conflict do nothing returning run_id
    )
    select * from present
    union all
    select run_id, 0, 0, true, ${sql.join(SERIES_COLUMNS.map(() => sql`null`))} from made`.execute(tx);
  const held = new Map<RunId, HeldRun>();
  for (const { run_id, series_of_run, points_of_run, fresh, ...series } of rows) {
    const run = held.get(run_id) ?? { series: series_of_run, points: points_of_run, fresh, present: new Map<string, SeriesRow>() };
    held.set(run_id, run);
    if (!fresh) run.present.set(series.tag, series);
  }
  // A run that was found by no series: it has none of those, or they are held by somebody, and then so is it.
  const rest = runs.filter((run) => !held.has(run));
  if (rest.length === 0) return held;
  const others = await sql<{ run_id: RunId; series: number; points: number }>`
    select run_id, series, points from metric_runs where tenant_id = ${tenant} and run_id = any(${rest}::uuid[]) for update skip locked`.execute(tx);
  for (const { run_id, series, points } of others.rows) held.set(run_id, { series, points, fresh: false, present: new Map() });
  return held;
}

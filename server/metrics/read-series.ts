import type { Database } from '#kit/db/open-database.ts';
import { asBucket, thin } from '#metrics/coarse-levels.ts';
import { type Bucket, type Point, unpackBuckets, unpackPoints } from '#metrics/packed-points.ts';
import { COARSER_BY } from '#metrics/plan-chunks.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

export interface SeriesRange {
  /** Steps, both included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

interface StoredChunk {
  readonly level: number;
  readonly count: number;
  readonly data: Buffer;
}

const LEAST_STEP = -(2 ** 52);
const LARGEST_STEP = 2 ** 52;

/**
 * A series as at most so many buckets, in the order of steps: points themselves where they are few enough. Reads from the
 * coarsest level that is fine enough, at most 32 times what it answers.
 */
export async function readBuckets(
  db: Database,
  tenant: TenantId,
  series: { readonly id: number; readonly points: number },
  ask: SeriesRange & { readonly maxPoints: number },
): Promise<readonly Bucket[]> {
  const { from = LEAST_STEP, to = LARGEST_STEP } = ask;
  const within = ask.from === undefined && ask.to === undefined ? series.points : await countWithin(db, tenant, series.id, from, to);
  const level = Math.max(0, Math.floor(Math.log(within / ask.maxPoints) / Math.log(COARSER_BY)));
  const { rows } = await sql<StoredChunk>`
    select level, count, data from metric_chunks
    where tenant_id = ${tenant} and series_id = ${series.id} and min_step <= ${to} and max_step >= ${from}
      and (level = ${level} or (level < ${level} and not sealed))
    order by level desc, seq`.execute(db);
  const buckets = rows.flatMap((row) => (row.level === 0 ? unpackPoints(row.data, row.count).map(asBucket) : unpackBuckets(row.data, row.count)));
  return thin(
    buckets.filter(({ firstStep, lastStep }) => firstStep <= to && lastStep >= from),
    ask.maxPoints,
  );
}

async function countWithin(db: Database, tenant: TenantId, series: number, from: number, to: number): Promise<number> {
  const { rows } = await sql<{ points: number }>`
    select coalesce(sum(count), 0)::bigint as points from metric_chunks
    where tenant_id = ${tenant} and series_id = ${series} and level = 0 and min_step <= ${to} and max_step >= ${from}`.execute(db);
  return rows[0]?.points ?? 0;
}

/** The points themselves in the order of their arrival, from the one with this index on. */
export async function readPointsFrom(
  db: Database,
  tenant: TenantId,
  series: number,
  ask: { readonly offset: number; readonly limit: number },
): Promise<readonly Point[]> {
  const { rows } = await sql<{ seq: number; count: number; data: Buffer }>`
    select seq, count, data from metric_chunks
    where tenant_id = ${tenant} and series_id = ${series} and level = 0 and seq + count > ${ask.offset} and seq < ${ask.offset + ask.limit}
    order by seq`.execute(db);
  const points = rows.flatMap(({ data, count }) => unpackPoints(data, count));
  const start = ask.offset - (rows[0]?.seq ?? 0);
  return points.slice(Math.max(0, start), Math.max(0, start) + ask.limit);
}

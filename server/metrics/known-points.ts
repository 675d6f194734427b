import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { type Point, unpackPoints } from '#metrics/packed-points.ts';
import type { SeriesRow } from '#metrics/series-store.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** Chunks and pieces looked through for points that may be there already: a client that tries again does so soon. */
const LOOKED_THROUGH_LIMIT = 40;

/**
 * Leaves out what is stored already: the same step, instant and value. A point later than all before needs no look, and
 * that is nearly every point.
 */
export async function removeKnownPoints(tx: DatabaseTransaction, tenant: TenantId, series: SeriesRow, points: readonly Point[]): Promise<readonly Point[]> {
  const [first] = points;
  // Nearly always: one step after another, and all after what is there.
  if (first !== undefined && first.step > (series.last_step ?? -Infinity) && points.every(({ step }, at) => at === 0 || step > (points[at - 1] as Point).step))
    return points;
  const unique = [...new Map(points.map((point) => [keyOf(point), point])).values()];
  const perhaps = unique.filter(({ step, at }) => step <= (series.last_step ?? -Infinity) && at <= (series.latest_at ?? -Infinity));
  if (perhaps.length === 0) return unique;
  const [steps, ats] = [perhaps.map(({ step }) => step), perhaps.map(({ at }) => at)];
  const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));
  const { rows } = await sql<{ count: number; data: Buffer }>`
    select count, data from metric_chunks where tenant_id = ${tenant} and series_id = ${series.id} and level = 0
      and min_step <= ${most(steps)} and max_step >= ${least(steps)} and min_at <= ${most(ats)} and max_at >= ${least(ats)}
    order by seq desc limit ${LOOKED_THROUGH_LIMIT}`.execute(tx);
  const known = new Set(rows.flatMap(({ count, data }) => unpackPoints(data, count)).map(keyOf));
  return unique.filter((point) => !known.has(keyOf(point)));
}

const keyOf = ({ step, at, value }: Point): string => `${step} ${at} ${value}`;

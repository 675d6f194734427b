import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { groupBy } from '#metrics/group-by.ts';
import { addToSeries } from '#metrics/add-to-series.ts';
import { breathe } from '#metrics/breathe.ts';
import { type Chunk, insertionOfChunks, readTails, removeTails, type StoredPiece } from '#metrics/chunk-store.ts';
import { AT_LIMIT, POINTS_PER_RUN_LIMIT, SERIES_PER_RUN_LIMIT, STEP_LIMIT } from '#metrics/metric-limits.ts';
import { type Bucket, type Point, unpackBuckets, unpackPoints } from '#metrics/packed-points.ts';
import { type BucketTails, neededTails, planChunks } from '#metrics/plan-chunks.ts';
import { removeKnownPoints } from '#metrics/known-points.ts';
import { claimSeries, holdMetrics, holdPresentSeries, roomForSeries, type SeriesOrigin, type SeriesRow } from '#metrics/series-store.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

export interface NewPoint extends Point {
  /** What the series is called where the point comes from: for requests its name. */
  readonly series: string;
}

export interface AppendAsk {
  readonly tenant: TenantId;
  readonly run: RunId;
  readonly origin: SeriesOrigin;
  readonly points: readonly NewPoint[];
  /** What exceeds a limit of the run: refuse all of it, or keep what fits and count the rest where the user sees it. */
  readonly beyondLimits: 'refuse' | 'count';
}

/**
 * Adds points to a run's series, in the transaction of the caller, so that what they were read from is remembered with
 * them. A request that is sent again stores nothing twice (`known-points.ts`); files are read once.
 * @throws SodateError `metrics-limit`, with `refuse`; `invalid-request` for a step or instant beyond what is kept
 * exactly; `not-found` when the run has been deleted
 */
export async function appendPoints(tx: DatabaseTransaction, ask: AppendAsk): Promise<{ readonly stored: number; readonly dropped: number }> {
  if (ask.points.length === 0) return { stored: 0, dropped: 0 };
  const { tenant, run, origin } = ask;
  const refuse = ask.beyondLimits === 'refuse';
  const strange = ask.points.find((point) => !isKept(point));
  if (strange !== undefined) throw new SodateError('invalid-request', { details: `the step or time of a point of ${strange.series} is out of range` });
  const byTag = groupBy(ask.points, ({ series }) => series);
  const { claimed, ...held } = await hold(tx, { tenant, run, origin, kind: 'scalar', tags: [...byTag.keys()] });
  if (refuse && claimed.size < byTag.size) throw new SodateError('metrics-limit', { limit: SERIES_PER_RUN_LIMIT, things: 'series' });

  const additions: { readonly series: SeriesRow; readonly points: readonly Point[] }[] = [];
  let room = POINTS_PER_RUN_LIMIT - held.points;
  for (const [tag, series] of claimed) {
    const points = byTag.get(tag) ?? [];
    const fresh = origin === 'api' ? await removeKnownPoints(tx, tenant, series, points) : points;
    if (refuse && fresh.length > room) throw new SodateError('metrics-limit', { limit: POINTS_PER_RUN_LIMIT, things: 'points' });
    if (fresh.length > 0 && room > 0) additions.push({ series, points: fresh.slice(0, room) });
    room -= Math.min(room, fresh.length);
  }
  const stored = additions.reduce((sum, { points }) => sum + points.length, 0);
  const inSeries = ask.points.length - [...byTag].reduce((sum, [tag, points]) => sum + (claimed.has(tag) ? points.length : 0), 0);
  const dropped = room === 0 && !refuse ? ask.points.length - stored : inSeries;
  const { chunks, series } = await planPoints(tx, tenant, additions);
  // One statement: most requests bring one point, and then its way to the database is most of what it costs.
  await sql`
    with chunks as (${insertionOfChunks(tenant, chunks)}), series as (${updateOfSeries(tenant, series)})
    update metric_runs set points = points + ${stored}, dropped_points = dropped_points + ${dropped}
      where tenant_id = ${tenant} and run_id = ${run}`.execute(tx);
  return { stored, dropped };
}

/** Series that may be asked for on the chance that all of them are there. */
const SERIES_AT_ONCE = 100;

async function hold(
  tx: DatabaseTransaction,
  ask: Parameters<typeof holdPresentSeries>[1],
): Promise<{ readonly points: number; readonly claimed: ReadonlyMap<string, SeriesRow> }> {
  const present = ask.tags.length > SERIES_AT_ONCE ? null : await holdPresentSeries(tx, ask);
  if (present !== null) return present;
  const held = await holdMetrics(tx, ask.tenant, ask.run);
  return { points: held.points, claimed: await claimSeries(tx, { ...ask, room: roomForSeries(held) }) };
}

/** Packed at a stretch: some ten milliseconds. */
const POINTS_AT_A_STRETCH = 5_000;

/** Whether its step and instant are kept exactly. */
export const isKept = ({ step, at }: Point): boolean => isExact(step, STEP_LIMIT) && isExact(at, AT_LIMIT);

const isExact = (value: number, limit: number): boolean => Number.isSafeInteger(value) && Math.abs(value) <= limit;

/** What to write for these points. The pieces that are written anew with them are gone afterwards. */
export async function planPoints(
  tx: DatabaseTransaction,
  tenant: TenantId,
  additions: readonly { readonly series: SeriesRow; readonly points: readonly Point[] }[],
): Promise<{ readonly chunks: readonly Chunk[]; readonly series: readonly SeriesRow[] }> {
  const needs = additions.map(({ series, points }) => ({ id: series.id, ...neededTails(shapeOf(series), points.length) }));
  const rewritten = { points: needs.filter(({ points }) => points).map(({ id }) => id), buckets: needs.filter(({ buckets }) => buckets).map(({ id }) => id) };
  const pieces = groupBy(await readTails(tx, tenant, rewritten), ({ series_id }) => series_id);
  await removeTails(tx, tenant, rewritten);
  const plans: { readonly chunks: readonly Chunk[]; readonly series: SeriesRow }[] = [];
  let planned = 0;
  for (const { series, points } of additions) {
    const tails = unpackTails(pieces.get(series.id) ?? []);
    const { chunks, tailPieces } = planChunks(shapeOf(series), points, tails);
    plans.push({ chunks, series: { ...addToSeries(series, points), tail_pieces: tailPieces } });
    planned += points.length + tails.points.length;
    if (planned < POINTS_AT_A_STRETCH) continue;
    planned = 0;
    await breathe();
  }
  return { chunks: plans.flatMap(({ chunks }) => chunks), series: plans.map(({ series }) => series) };
}

function unpackTails(pieces: readonly StoredPiece[]): { readonly points: readonly Point[]; readonly buckets: BucketTails } {
  const points = pieces.filter(({ level }) => level === 0).flatMap(({ data, count }) => unpackPoints(data, count));
  const buckets = new Map<number, { readonly seq: number; readonly buckets: Bucket[] }>();
  for (const { level, seq, count, data } of pieces) {
    if (level === 0) continue;
    const tail = buckets.get(level) ?? { seq, buckets: [] };
    buckets.set(level, tail);
    tail.buckets.push(...unpackBuckets(data, count));
  }
  return { points, buckets };
}

const shapeOf = ({ id, points, tail_pieces }: SeriesRow) => ({ id, points, tailPieces: tail_pieces });

/** As a part of a statement. */
export function updateOfSeries(tenant: TenantId, rows: readonly SeriesRow[]): RawBuilder<unknown> {
  const all = <Field extends keyof SeriesRow>(field: Field): readonly SeriesRow[Field][] => rows.map((row) => row[field]);
  // By the primary key, row after row: the limit has PostgreSQL expect few, and no index serves `is not distinct`. A plan that
  // was made while there were few series would go on to look through all of the tenant's (see `holdTogether`).
  return sql`
    update metric_series s set points = u.points, nan_points = u.nan_points, first_step = u.first_step, last_step = u.last_step, last_at = u.last_at,
      last_value = u.last_value, min_value = u.min_value, min_step = u.min_step, max_value = u.max_value, max_step = u.max_step,
      latest_at = u.latest_at, tail_pieces = u.tail_pieces
    from (select * from unnest(${all('id')}::bigint[], ${all('points')}::bigint[], ${all('nan_points')}::bigint[], ${all('first_step')}::bigint[],
      ${all('last_step')}::bigint[], ${all('last_at')}::bigint[], ${all('last_value')}::float8[], ${all('min_value')}::float8[],
      ${all('min_step')}::bigint[], ${all('max_value')}::float8[], ${all('max_step')}::bigint[], ${all('latest_at')}::bigint[],
      ${all('tail_pieces')}::int[]) as u (id, points, nan_points, first_step, last_step, last_at, last_value, min_value, min_step, max_value,
      max_step, latest_at, tail_pieces) limit ${rows.length}) u
    where s.id = u.id and s.tenant_id is not distinct from ${tenant}`;
}

import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import type { NewSeries } from '#metrics/series-store.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { type RawBuilder, sql } from 'kysely';

/** A stretch of a series as it is stored. */
export interface Chunk {
  readonly series: number;
  readonly level: number;
  readonly seq: number;
  readonly count: number;
  readonly sealed: boolean;
  readonly minStep: number;
  readonly maxStep: number;
  readonly minAt: number;
  readonly maxAt: number;
  readonly data: Buffer;
}

export type StoredPiece = Pick<Chunk, 'level' | 'seq' | 'count' | 'data'> & { readonly series_id: number };

/** The pieces after the last sealed chunk, of these series, in order. */
export async function readTails(
  tx: DatabaseTransaction,
  tenant: TenantId,
  ask: { readonly points: readonly number[]; readonly buckets: readonly number[] },
): Promise<readonly StoredPiece[]> {
  if (ask.points.length + ask.buckets.length === 0) return [];
  const { rows } = await sql<StoredPiece>`
    select series_id, level, seq, count, data from metric_chunks
    where tenant_id = ${tenant} and not sealed
      and ((level = 0 and series_id = any(${ask.points}::bigint[])) or (level > 0 and series_id = any(${ask.buckets}::bigint[])))
    order by series_id, level, seq`.execute(tx);
  return rows;
}

export async function removeTails(
  tx: DatabaseTransaction,
  tenant: TenantId,
  ask: { readonly points: readonly number[]; readonly buckets: readonly number[] },
): Promise<void> {
  if (ask.points.length + ask.buckets.length === 0) return;
  await sql`
    delete from metric_chunks where tenant_id = ${tenant} and not sealed
      and ((level = 0 and series_id = any(${ask.points}::bigint[])) or (level > 0 and series_id = any(${ask.buckets}::bigint[])))`.execute(tx);
}

/** All of them at once, whatever the number, as a part of a statement: most are a few points for each of many series. */
export function insertionOfChunks(tenant: TenantId, chunks: readonly Chunk[]): RawBuilder<unknown> {
  const all = <Field extends keyof Chunk>(field: Field): readonly Chunk[Field][] => chunks.map((chunk) => chunk[field]);
  return sql`
    insert into metric_chunks (tenant_id, series_id, level, seq, count, sealed, min_step, max_step, min_at, max_at, data)
    select ${tenant}, * from unnest(${all('series')}::bigint[], ${all('level')}::smallint[], ${all('seq')}::bigint[], ${all('count')}::int[],
      ${all('sealed')}::boolean[], ${all('minStep')}::bigint[], ${all('maxStep')}::bigint[], ${all('minAt')}::bigint[], ${all('maxAt')}::bigint[],
      ${all('data')}::bytea[])`;
}

/** As `insertionOfChunks`, in a statement in which `made` has the series that it makes, which have no id before. */
export function insertionOfChunksOfNew(tenant: TenantId, chunks: readonly Chunk[], news: readonly NewSeries[]): RawBuilder<unknown> {
  const all = <Field extends keyof Chunk>(field: Field): readonly Chunk[Field][] => chunks.map((chunk) => chunk[field]);
  const byId = new Map(news.map((series) => [series.id, series]));
  const ofNew = chunks.map(({ series }) => byId.get(series));
  // A chunk whose series was not made has none, which the table refuses, and so the whole statement.
  return sql`
    insert into metric_chunks (tenant_id, series_id, level, seq, count, sealed, min_step, max_step, min_at, max_at, data)
    select ${tenant}, coalesce(made.id, u.series_id), u.level, u.seq, u.count, u.sealed, u.min_step, u.max_step, u.min_at, u.max_at, u.data
    from unnest(${ofNew.map((series) => series?.run ?? null)}::uuid[], ${ofNew.map((series) => series?.tag ?? null)}::text[],
      ${chunks.map(({ series }) => (byId.has(series) ? null : series))}::bigint[], ${all('level')}::smallint[], ${all('seq')}::bigint[],
      ${all('count')}::int[], ${all('sealed')}::boolean[], ${all('minStep')}::bigint[], ${all('maxStep')}::bigint[], ${all('minAt')}::bigint[],
      ${all('maxAt')}::bigint[], ${all('data')}::bytea[])
      as u (run_id, tag, series_id, level, seq, count, sealed, min_step, max_step, min_at, max_at, data)
      left join made on made.run_id = u.run_id and made.tag = u.tag`;
}

import { SERIES_PER_RUN_LIMIT } from '#metrics/metric-limits.ts';
import { isForeignKeyViolation } from '#kit/db/database-errors.ts';
import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { SeriesKind } from '@sodate/contract/metrics.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { newId } from '#kit/ids.ts';
import { type RawBuilder, sql } from 'kysely';
import { createHash } from 'node:crypto';

/** Where a series comes from: a request, the lines of `metrics.jsonl`, or event files, of one folder each. */
export type SeriesOrigin = 'api' | 'jsonl' | `events/${string}`;

/** A series as stored, with what is known of its points. */
export interface SeriesRow {
  readonly id: number;
  readonly kind: SeriesKind;
  readonly name: string;
  readonly origin: string;
  readonly tag: string;
  readonly points: number;
  readonly nan_points: number;
  readonly first_step: number | null;
  readonly last_step: number | null;
  readonly last_at: number | null;
  readonly last_value: number | null;
  readonly min_value: number | null;
  readonly min_step: number | null;
  readonly max_value: number | null;
  readonly max_step: number | null;
  readonly latest_at: number | null;
  readonly tail_pieces: number;
  readonly keep_every: number;
}

export const SERIES_COLUMNS = [
  ...(['id', 'kind', 'name', 'origin', 'tag', 'points', 'nan_points', 'first_step', 'last_step', 'last_at', 'last_value'] as const),
  ...(['min_value', 'min_step', 'max_value', 'max_step', 'latest_at', 'tail_pieces', 'keep_every'] as const),
] as const;

/**
 * Holds a run's metrics until the end of the transaction: whoever adds to a run does so after one another.
 * @throws SodateError `not-found` when the run has been deleted
 */
export async function holdMetrics(tx: DatabaseTransaction, tenant: TenantId, run: RunId): Promise<{ readonly series: number; readonly points: number }> {
  const ask = tx.selectFrom('metric_runs').select(['series', 'points']).where('tenant_id', '=', tenant).where('run_id', '=', run).forUpdate();
  const held = await ask.executeTakeFirst();
  if (held !== undefined) return held;
  try {
    const { rows } = await sql<{ series: number; points: number }>`
      insert into metric_runs (tenant_id, run_id) values (${tenant}, ${run}) on conflict do nothing returning series, points`.execute(tx);
    if (rows[0] !== undefined) return rows[0];
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new SodateError('not-found', { thing: 'run', reference: run }, { cause: error });
    throw error;
  }
  const made = await ask.executeTakeFirst();
  // There is such a row of another tenant: to this one there is no such run.
  if (made === undefined) throw new SodateError('not-found', { thing: 'run', reference: run });
  return made;
}

/**
 * What `holdMetrics` and `claimSeries` come to when all of these series are there already, in one statement: nearly every
 * point is one more of a series.
 * @returns null when one of them is not; then the run's metrics may not be held
 */
export async function holdPresentSeries(
  tx: DatabaseTransaction,
  ask: { readonly tenant: TenantId; readonly run: RunId; readonly origin: SeriesOrigin; readonly kind: SeriesKind; readonly tags: readonly string[] },
): Promise<{ readonly points: number; readonly claimed: ReadonlyMap<string, SeriesRow> } | null> {
  // Both rows are locked, the run's first: only what is locked is read as whoever held it before has left it.
  const { rows } = await sql<SeriesRow & { readonly points_of_run: number }>`
    select m.points as points_of_run, ${sql.join(SERIES_COLUMNS.map((column) => sql.ref(`s.${column}`)))}
    from metric_runs m join metric_series s on s.run_id = m.run_id
    where m.tenant_id = ${ask.tenant} and m.run_id = ${ask.run} and s.tenant_id = ${ask.tenant} and s.kind = ${ask.kind} and s.origin = ${ask.origin}
      and s.tag = any(${ask.tags}::text[])
    for update of m, s`.execute(tx);
  if (rows.length < ask.tags.length) return null;
  return { points: rows[0]?.points_of_run ?? 0, claimed: new Map(rows.map((row) => [row.tag, row])) };
}

/**
 * Finds or makes the series that an origin calls by these tags. The caller holds the run's metrics.
 * @returns by tag; without those for which the run has no room
 */
export async function claimSeries(
  tx: DatabaseTransaction,
  ask: {
    readonly tenant: TenantId;
    readonly run: RunId;
    readonly origin: SeriesOrigin;
    readonly kind: SeriesKind;
    readonly tags: readonly string[];
    readonly room: number;
  },
): Promise<ReadonlyMap<string, SeriesRow>> {
  const { tenant, run, origin, kind } = ask;
  const mine = tx.selectFrom('metric_series').select(SERIES_COLUMNS).where('tenant_id', '=', tenant).where('run_id', '=', run).where('kind', '=', kind);
  const among = (column: string, values: readonly string[]) => sql<boolean>`${sql.ref(column)} = any(${values}::text[])`;
  const found = new Map<string, SeriesRow>();
  for (const row of await mine.where('origin', '=', origin).where(among('tag', ask.tags)).execute()) found.set(row.tag, row as SeriesRow);
  const fresh = ask.tags.filter((tag) => !found.has(tag)).slice(0, ask.room);
  if (fresh.length === 0) return found;
  const candidates = (tag: string): readonly string[] =>
    origin === 'api' ? [tag] : [tag, qualified(origin, tag), `${qualified(origin, tag)} #${digest(tag)}`];
  const taken = await mine.where(among('name', fresh.flatMap(candidates))).execute();
  const used = new Set(taken.map(({ name }) => name));
  if (origin === 'api') await stepAside(tx, tenant, taken);
  const made: { readonly tag: string; readonly name: string }[] = [];
  for (const tag of fresh) {
    // One for which even the last is taken was named to be a nuisance, and has no series.
    const name = origin === 'api' ? tag : candidates(tag).find((candidate) => !used.has(candidate));
    if (name === undefined) continue;
    used.add(name);
    made.push({ tag, name });
  }
  const { rows } = await sql<SeriesRow>`
    with counted as (update metric_runs set series = series + ${made.length} where tenant_id = ${tenant} and run_id = ${run})
    insert into metric_series (tenant_id, run_id, kind, origin, tag, name)
    select ${tenant}, ${run}, ${kind}, ${origin}, * from unnest(${made.map(({ tag }) => tag)}::text[], ${made.map(({ name }) => name)}::text[])
    returning ${sql.join(SERIES_COLUMNS.map((column) => sql.ref(column)))}`.execute(tx);
  // Plans that were made while the table was tiny look through all of it for each row; those of foreign keys are kept by
  // each connection. Until PostgreSQL notices by itself, within a minute, ten thousand new series took ten times as long.
  if (rows.length >= MANY_NEW_SERIES) await sql`analyze metric_series`.execute(tx);
  for (const row of rows) found.set(row.tag, row);
  return found;
}

const MANY_NEW_SERIES = 1_000;

/** A series of scalars that requests begin, before it has its row: its id is a number below 0 that only tells it from others. */
export interface NewSeries {
  readonly run: RunId;
  readonly id: number;
  readonly tag: string;
}

export const newSeriesRow = (tag: string, id: number): SeriesRow => ({
  ...{ id, kind: 'scalar', name: tag, origin: 'api', tag, points: 0, nan_points: 0, first_step: null, last_step: null, last_at: null, last_value: null },
  ...{ min_value: null, min_step: null, max_value: null, max_step: null, latest_at: null, tail_pieces: 0, keep_every: 1 },
});

/** With what is known of their points by now, as a part of a statement. A name that is taken fails it. */
export function insertionOfSeries(tenant: TenantId, news: readonly NewSeries[], rows: ReadonlyMap<number, SeriesRow>): RawBuilder<unknown> {
  const all = <Field extends keyof SeriesRow>(field: Field): readonly (SeriesRow[Field] | null)[] => news.map(({ id }) => rows.get(id)?.[field] ?? null);
  return sql`
    insert into metric_series (tenant_id, kind, origin, run_id, tag, name, points, nan_points, first_step, last_step, last_at, last_value, min_value,
      min_step, max_value, max_step, latest_at, tail_pieces)
    select ${tenant}, 'scalar', 'api', u.* from unnest(${news.map(({ run }) => run)}::uuid[], ${all('tag')}::text[], ${all('name')}::text[],
      ${all('points')}::bigint[], ${all('nan_points')}::bigint[], ${all('first_step')}::bigint[], ${all('last_step')}::bigint[],
      ${all('last_at')}::bigint[], ${all('last_value')}::float8[], ${all('min_value')}::float8[], ${all('min_step')}::bigint[],
      ${all('max_value')}::float8[], ${all('max_step')}::bigint[], ${all('latest_at')}::bigint[], ${all('tail_pieces')}::int[]) u`;
}

/** The name of a series whose plain one is another's. */
const qualified = (origin: string, tag: string): string => `${origin === 'jsonl' ? 'metrics.jsonl' : origin.slice('events/'.length) || 'tensorboard'}/${tag}`;

/** A name that a request gives is kept as it is: what had it before was read from a file, and gets another. */
async function stepAside(tx: DatabaseTransaction, tenant: TenantId, holders: readonly { id: number; origin: string; tag: string }[]): Promise<void> {
  for (const { id, origin, tag } of holders) {
    const name = `${qualified(origin, tag)} #${newId()}`;
    await tx.updateTable('metric_series').set({ name }).where('tenant_id', '=', tenant).where('id', '=', id).execute();
  }
}

const digest = (tag: string): string => createHash('sha256').update(tag).digest('hex').slice(0, 8);

export const roomForSeries = (held: { readonly series: number }): number => Math.max(0, SERIES_PER_RUN_LIMIT - held.series);

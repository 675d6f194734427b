import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import type { Histogram } from '#metrics/event-files/parse-histogram.ts';
import { groupBy } from '#metrics/group-by.ts';
import { claimSeries, holdMetrics, roomForSeries, type SeriesOrigin, type SeriesRow } from '#metrics/series-store.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** A histogram, picture or text of one step. The bytes of the latter two stay in the file they were written to. */
export interface NewItem {
  readonly kind: 'histogram' | 'image' | 'text';
  readonly series: string;
  readonly step: number;
  readonly at: number;
  readonly summary: Histogram | { readonly type?: string };
  readonly place: { readonly path: string; readonly offset: number; readonly length: number } | null;
}

/** Of one series. When there are more, every second one goes, the newest excepted: what stays is spread over the whole run. */
const ITEMS_KEPT_LIMIT = 200;

/** Adds items to a run's series, in the transaction of the caller. @returns those for whose series there was no room */
export async function appendItems(
  tx: DatabaseTransaction,
  ask: { readonly tenant: TenantId; readonly run: RunId; readonly origin: SeriesOrigin; readonly items: readonly NewItem[] },
): Promise<{ readonly dropped: number }> {
  let dropped = 0;
  for (const [kind, items] of groupBy(ask.items, (item) => item.kind)) {
    const held = await holdMetrics(tx, ask.tenant, ask.run);
    const bySeries = groupBy(items, ({ series }) => series);
    const claimed = await claimSeries(tx, { ...ask, kind, tags: [...bySeries.keys()], room: roomForSeries(held) });
    for (const [tag, some] of bySeries) {
      const series = claimed.get(tag);
      if (series === undefined) dropped += some.length;
      else await addToOne(tx, ask.tenant, series, some);
    }
  }
  if (dropped > 0)
    await sql`update metric_runs set dropped_points = dropped_points + ${dropped} where tenant_id = ${ask.tenant} and run_id = ${ask.run}`.execute(tx);
  return { dropped };
}

async function addToOne(tx: DatabaseTransaction, tenant: TenantId, series: SeriesRow, items: readonly NewItem[]): Promise<void> {
  const total = series.points + items.length;
  let every = series.keep_every;
  while (total / every > ITEMS_KEPT_LIMIT) every *= 2;
  const rows = items
    .map((item, at) => ({ item, seq: series.points + at }))
    .filter(({ seq }) => seq % every === 0 || seq === total - 1)
    .map(({ item, seq }) => ({
      ...{ tenant_id: tenant, series_id: series.id, seq, step: item.step, at: item.at, summary: JSON.stringify(item.summary, finite) },
      ...{ path: item.place?.path ?? null, file_offset: item.place?.offset ?? null, file_length: item.place?.length ?? null },
    }));
  await sql`delete from metric_items where tenant_id = ${tenant} and series_id = ${series.id} and seq % ${every} <> 0`.execute(tx);
  await tx.insertInto('metric_items').values(rows).execute();
  const steps = items.map(({ step }) => step);
  const last = items.reduce((newest, item) => (item.step >= newest.step ? item : newest));
  const isLast = last.step >= (series.last_step ?? -Infinity);
  await tx
    .updateTable('metric_series')
    .set({ points: total, keep_every: every, first_step: steps.reduce((a, b) => Math.min(a, b), series.first_step ?? Infinity) })
    .$if(isLast, (query) => query.set({ last_step: last.step, last_at: last.at }))
    .where('tenant_id', '=', tenant)
    .where('id', '=', series.id)
    .execute();
}

/** JSON has no NaN and no infinities: they go as words, as everywhere in the API. */
const finite = (_key: string, value: unknown): unknown => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);

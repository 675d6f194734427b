import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import { decodeNameCursor, encodeNameCursor } from '#metrics/name-cursor.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import { appendPoints } from '#metrics/append-points.ts';
import { compareMetrics } from '#metrics/compare-runs.ts';
import { readItems, sendItem, type StoredItem } from '#metrics/item-content.ts';
import { findNames } from '#metrics/find-names.ts';
import { countSeries, findSeries, readLosses, selectSeries } from '#metrics/list-series.ts';
import { readParameters, setParameters } from '#metrics/parameter-store.ts';
import { readBuckets } from '#metrics/read-series.ts';
import { rebuildMetrics } from '#metrics/rebuild-metrics.ts';
import { showChart, showSeries } from '#metrics/show-metrics.ts';
import { findRun, type FoundRun } from '#runs/find-run.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/metrics.ts';

interface MetricRouteParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly changes: Pick<ChangeFeed, 'publish'>;
  readonly folders: { output(run: RunId): string };
}

export function bindMetricRoutes(binder: Binder, { db, clock, changes, folders }: MetricRouteParts): void {
  const changed = (tenant: TenantId, run: RunId): void => changes.publish({ tenant, topic: 'metrics', id: run, change: 'updated' });
  /** Each once, in the order asked for. */
  const findRuns = async (tenant: TenantId, references: readonly string[]): Promise<readonly FoundRun[]> => {
    const found = new Map<RunId, FoundRun>();
    for (const reference of references) {
      const run = await findRun(db, tenant, reference);
      found.set(run.id, run);
    }
    return [...found.values()];
  };
  const itemsOf = async (
    tenant: TenantId,
    run: RunId,
    query: { readonly kind: 'histogram' | 'image' | 'text'; readonly name: string },
  ): Promise<readonly StoredItem[]> => {
    const [series] = await findSeries(db, tenant, [run], [query.name], query.kind);
    if (series === undefined) throw new SodateError('not-found', { thing: query.kind, reference: query.name });
    return readItems(db, tenant, series.id);
  };

  binder.bind(routes.listSeries, async ({ tenant, params, query }) => {
    const run = await findRun(db, tenant.id, params.run);
    const filter = { kinds: query.kind ?? routes.SERIES_KINDS, prefix: query.prefix ?? '' };
    const [rows, count, losses] = await Promise.all([
      selectSeries(db, tenant.id, run.id, { ...filter, after: decodeNameCursor(query.cursor), limit: query.limit + 1 }),
      countSeries(db, tenant.id, run.id, filter),
      readLosses(db, tenant.id, run.id),
    ]);
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    const nextCursor = rows.length > page.length && last ? encodeNameCursor(last) : null;
    return { items: page.map(showSeries), nextCursor, total: { count, exact: true }, losses };
  });

  binder.bind(routes.appendPoints, async ({ tenant, params, body }) => {
    const run = await findRun(db, tenant.id, params.run);
    const now = clock.now().getTime();
    const points = body.points.map(({ name, step, value, at }) => ({
      series: name,
      step,
      // Instants before 1970 are nobody's measurements.
      at: at === undefined ? now : Math.max(0, Date.parse(at)),
      value: Number(value),
    }));
    const { stored } = await db
      .transaction()
      .execute((tx) => appendPoints(tx, { tenant: tenant.id, run: run.id, origin: 'api', points, beyondLimits: 'refuse' }));
    if (stored > 0) changed(tenant.id, run.id);
    return { stored };
  });

  binder.bind(routes.readCharts, async ({ tenant, query }) => {
    const runs = await findRuns(tenant.id, query.run ?? []);
    const byId = new Map(runs.map((run) => [run.id, run]));
    const series = await findSeries(db, tenant.id, [...byId.keys()], query.name ?? []);
    const limit = Math.floor(routes.CHART_POINTS_LIMIT / query.maxPoints);
    if (series.length > limit) throw new SodateError('too-many', { limit, things: `series of ${query.maxPoints} points` });
    const items: routes.Chart[] = [];
    // One after the other: each is a few milliseconds of unpacking, between which others have their turn.
    for (const row of series) {
      const run = byId.get(row.run_id);
      if (run === undefined) continue;
      const buckets = await readBuckets(db, tenant.id, row, { maxPoints: query.maxPoints, from: query.from, to: query.to });
      const { id, kind, number, name } = run;
      items.push({ run: { id, kind, number, name }, name: row.name, points: row.points, ...showChart(buckets) });
    }
    return { items };
  });

  binder.bind(routes.compareRuns, async ({ tenant, query }) => {
    const runs = await findRuns(tenant.id, query.run ?? []);
    const compared = await compareMetrics(
      db,
      tenant.id,
      runs.map(({ id }) => id),
      query.name,
    );
    return { runs: runs.map(({ id, kind, number, name, state }) => ({ id, kind, number, name, state })), ...compared };
  });

  binder.bind(routes.listNames, async ({ tenant, query }) => {
    const { names, more } = await findNames(db, tenant.id, query);
    return { items: names.map((name) => ({ name })), more };
  });

  binder.bind(routes.listParameters, async ({ tenant, params }) => {
    const run = await findRun(db, tenant.id, params.run);
    return { items: [...(await readParameters(db, tenant.id, [run.id]))] };
  });

  binder.bind(routes.setParameters, async ({ tenant, params, body }) => {
    const run = await findRun(db, tenant.id, params.run);
    await db.transaction().execute(async (tx) => {
      const [different] = await setParameters(tx, tenant.id, run.id, body.parameters);
      if (different) throw new SodateError('parameter-set', { name: different.name, present: different.present });
    });
    changed(tenant.id, run.id);
    return { items: [...(await readParameters(db, tenant.id, [run.id]))] };
  });

  binder.bind(routes.rebuildMetrics, async ({ tenant, params }) => {
    const run = await findRun(db, tenant.id, params.run);
    const answer = await rebuildMetrics(db, { tenant: tenant.id, run: run.id, reference: params.run, output: folders.output(run.id) });
    changed(tenant.id, run.id);
    return answer;
  });

  binder.bind(routes.listItems, async ({ tenant, params, query }) => {
    const run = await findRun(db, tenant.id, params.run);
    const items = await itemsOf(tenant.id, run.id, query);
    return {
      items: items.map(({ seq, step, at, summary, file_length }) => ({
        ...{ item: seq, step, at: new Date(at).toISOString(), size: file_length },
        histogram: query.kind === 'histogram' ? routes.Histogram.parse(summary) : null,
      })),
    };
  });

  binder.bind(routes.getItemContent, async ({ tenant, params, query, request, reply }) => {
    const run = await findRun(db, tenant.id, params.run);
    const item = (await itemsOf(tenant.id, run.id, query)).find(({ seq }) => seq === query.item);
    if (item === undefined) throw new SodateError('not-found', { thing: `${query.kind} of ${query.name}`, reference: String(query.item) });
    await sendItem(request, reply, { output: folders.output(run.id), kind: query.kind, name: query.name, item });
  });
}

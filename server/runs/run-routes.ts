import type { ExecutorRegistry } from '#executors/executor-registry.ts';
import type { Archives } from '#kit/archives/archives.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { ForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import { relabelLineage } from '#lineage/lineage.ts';
import { deleteRun } from '#runs/delete-run.ts';
import { explainWaiting } from '#runs/explain-waiting.ts';
import { findRun } from '#runs/find-run.ts';
import { isEnded } from '#runs/run-states.ts';
import { bindOutputRoutes } from '#runs/output-routes.ts';
import { followRunLog, sendRunLog } from '#runs/run-log-routes.ts';
import { readUsage } from '#runs/read-usage.ts';
import type { RunKind } from '#runs/run-kind.ts';
import { listAttemptRows, listRunViews, readRunRest, readRunView, readTimeline } from '#runs/run-store.ts';
import { type RunViewRow, showFailure, showRun, showWarnings, showWords, StoredCommand } from '#runs/run-view.ts';
import { stopRun } from '#runs/stop-run.ts';
import { mayRemove } from '#kit/db/hold-removals.ts';
import type { Staging } from '#staging/staging.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import * as routes from '@sodate/contract/run-routes.ts';
import type { RunMetric } from '@sodate/contract/runs.ts';
import type { z } from 'zod';

export interface RunRouteParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly kinds: readonly RunKind[];
  readonly executors: ExecutorRegistry;
  readonly staging: Pick<Staging, 'folders' | 'removeRunFolders'>;
  readonly changes: ChangeFeed;
  readonly foreignFolders: ForeignFolders;
  readonly archives: Archives;
  readonly engine: { hintRun(run: string): void };
  /** Chosen metrics of runs, by run. */
  metricColumns(tenant: TenantId, runs: readonly RunId[], names: readonly string[]): Promise<ReadonlyMap<string, readonly RunMetric[]>>;
}

export function bindRunRoutes(binder: Binder, parts: RunRouteParts): void {
  const { db, clock, staging, changes, engine } = parts;
  const { folders } = staging;

  const view = async (tenant: TenantId, id: RunId): Promise<RunViewRow> => {
    const row = await readRunView(db, tenant, id);
    if (row === undefined) throw new SodateError('not-found', { thing: 'run', reference: id });
    return row;
  };

  const showInFull = async (tenant: TenantId, id: RunId): Promise<z.input<typeof routes.Run>> => {
    const [row, rest] = await Promise.all([view(tenant, id), readRunRest(db, id)]);
    const kind = parts.kinds.find(({ name }) => name === row.kind);
    if (kind === undefined) throw new Error(`No kind of run is called ${row.kind}`);
    const { command, environment } = StoredCommand.parse(rest.request);
    const details = await kind.details(db, { tenant, id, number: row.number, name: row.name, request: kind.requestSchema.parse(rest.request) });
    return {
      ...showRun(row),
      command,
      environment,
      timeLimitSeconds: rest.time_limit_seconds,
      priority: rest.priority,
      ...showWarnings(rest.warnings),
      details,
    };
  };

  binder.bind(routes.listRuns, async ({ tenant, query }) => {
    const page = await listRunViews(db, tenant.id, query, clock.now());
    const ids = page.rows.map(({ id }) => id as RunId);
    const metrics = query.metric === undefined ? null : await parts.metricColumns(tenant.id, ids, query.metric);
    const items = page.rows.map((row) => (metrics === null ? showRun(row) : { ...showRun(row), metrics: [...(metrics.get(row.id) ?? [])] }));
    return { items, nextCursor: page.nextCursor, total: page.total };
  });

  binder.bind(routes.getRun, async ({ tenant, params }) => showInFull(tenant.id, (await findRun(db, tenant.id, params.run)).id));

  binder.bind(routes.updateRun, async ({ tenant, params, body }) => {
    const run = await findRun(db, tenant.id, params.run);
    const set = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    if (Object.keys(set).length > 0)
      await db.transaction().execute(async (tx) => {
        await tx.updateTable('runs').set(set).where('tenant_id', '=', tenant.id).where('id', '=', run.id).execute();
        if (body.name !== undefined) await relabelLineage(tx, tenant.id, { kind: 'run', id: run.id, label: `${run.kind}-${run.number} ${body.name}` });
      });
    changes.publish({ tenant: tenant.id, topic: 'run', id: run.id, change: 'updated' });
    return showInFull(tenant.id, run.id);
  });

  binder.bind(routes.stopRun, async ({ tenant, params, body }) => {
    const run = await findRun(db, tenant.id, params.run);
    await stopRun(db, clock, run, body.graceSeconds);
    engine.hintRun(run.id);
    changes.publish({ tenant: tenant.id, topic: 'run', id: run.id, change: 'updated' });
    return showRun(await view(tenant.id, run.id));
  });

  binder.bind(routes.deleteRun, async ({ tenant, params }) => {
    const run = await findRun(db, tenant.id, params.run);
    await deleteRun(db, clock, tenant.id, run);
    // While a backup is made that may name them, the sweep is left to remove them later.
    if (await mayRemove(db)) await staging.removeRunFolders(run.id);
    changes.publish({ tenant: tenant.id, topic: 'run', id: run.id, change: 'deleted' });
  });

  binder.bind(routes.getWaiting, async ({ tenant, params }) => {
    const run = await findRun(db, tenant.id, params.run);
    return { waiting: await explainWaiting(db, tenant.id, run.id) };
  });

  binder.bind(routes.listAttempts, async ({ tenant, params }) => {
    const run = await findRun(db, tenant.id, params.run);
    const rows = await listAttemptRows(db, tenant.id, run.id);
    // What was asked of the run decides what the end of its last attempt means: a command that was stopped has not failed.
    const judged = isEnded(run.state) ? await view(tenant.id, run.id) : null;
    return {
      items: rows.map((row) => ({
        number: row.number,
        executor: row.executor,
        node: row.node_name,
        isolation: row.isolation as 'container' | 'sandbox' | 'none',
        imageDigest: row.image_digest,
        exitCode: row.exit_code,
        signal: row.signal,
        failure: showFailure(judged !== null && row.id === run.attemptId ? judged : row),
        placedAt: row.placed_at.toISOString(),
        startedAt: row.started_at?.toISOString() ?? null,
        endedAt: row.ended_at?.toISOString() ?? null,
      })),
    };
  });

  binder.bind(routes.getUsage, async ({ tenant, params }) => {
    const run = await findRun(db, tenant.id, params.run);
    return { usage: await readUsage(parts.executors, (await listAttemptRows(db, tenant.id, run.id)).at(-1)) };
  });

  binder.bind(routes.getTimeline, async ({ tenant, params }) => {
    const run = await findRun(db, tenant.id, params.run);
    const rows = await readTimeline(db, tenant.id, run.id);
    return {
      items: rows.map((row) => ({ at: row.at.toISOString(), state: row.state as 'queued', attempt: row.attempt, note: row.note, words: showWords(row.words) })),
    };
  });

  binder.bind(routes.getLog, async ({ tenant, params, query, request, reply }) => {
    const run = await findRun(db, tenant.id, params.run);
    await sendRunLog(db, folders, tenant.id, run, query, request, reply);
  });

  binder.bind(routes.followLog, async ({ tenant, params, query, request, reply }) => {
    const run = await findRun(db, tenant.id, params.run);
    await followRunLog({ db, folders, changes, clock, tenant: tenant.id, run, query, request, reply });
  });

  bindOutputRoutes(binder, { db, folders, foreignFolders: parts.foreignFolders, archives: parts.archives });
}

import type { Database } from '#kit/db/open-database.ts';
import { latestMetrics, readParameters } from '#metrics/metrics.ts';
import { artifactRootOf, RUN_NAME_TAG } from '#mlflow/search-conditions.ts';
import { STATUS_OF } from '#mlflow/statuses.ts';
import { type Label, readRunInputs, readRunLabels, type RunInput } from '#tracking/tracking.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import type { DoubleAnswer, Run } from '@sodate/contract/mlflow.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { sql } from 'kysely';
import type { z } from 'zod';

/** An answer with more values than this is asked for in smaller pages. */
const METRICS_PER_ANSWER = 500_000;

export const showDouble = (value: number | null): DoubleAnswer => {
  if (value === null || Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity';
};

/**
 * Runs as MLflow shows them, in the order of their ids here, with the last value of each metric. Those that have gone
 * meanwhile are left out.
 * @throws SodateError `too-many` when they have more metrics than one answer carries
 */
export async function showRuns(db: Database, tenant: TenantId, ids: readonly RunId[]): Promise<z.input<typeof Run>[]> {
  if (ids.length === 0) return [];
  const [rows, metrics, parameters, labels, inputs] = await Promise.all([
    readInfos(db, tenant, ids),
    latestMetrics(db, tenant, ids, METRICS_PER_ANSWER + 1),
    readParameters(db, tenant, ids),
    readRunLabels(db, tenant, ids),
    readRunInputs(db, tenant, ids),
  ]);
  if (metrics.length > METRICS_PER_ANSWER)
    throw new SodateError('too-many', { limit: METRICS_PER_ANSWER, things: 'metrics; ask for fewer runs (max_results)' });
  const metricsOf = collect(metrics, ({ run_id }) => run_id);
  const parametersOf = collect(parameters, ({ run_id }) => run_id);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    if (row === undefined) return [];
    return [
      {
        info: showInfo(row),
        data: {
          metrics: (metricsOf.get(id) ?? []).map((series) => ({
            key: series.name,
            value: showDouble(series.last_value),
            timestamp: series.last_at ?? 0,
            step: series.last_step ?? 0,
          })),
          params: (parametersOf.get(id) ?? []).map(({ name, value }) => ({ key: name, value })),
          tags: showLabels(row, labels.get(id) ?? []),
        },
        inputs: { dataset_inputs: (inputs.get(id) ?? []).map(showInput) },
      },
    ];
  });
}

type InfoRow = Awaited<ReturnType<typeof readInfos>>[number];

async function readInfos(db: Database, tenant: TenantId, ids: readonly RunId[]) {
  return db
    .selectFrom('runs')
    .innerJoin('users', 'users.id', 'runs.created_by')
    .leftJoin('run_tracking', 'run_tracking.run_id', 'runs.id')
    .leftJoin('experiments', 'experiments.id', 'run_tracking.experiment_id')
    .select(['runs.id', 'runs.name', 'runs.state', 'runs.created_at', 'runs.started_at', 'runs.ended_at'])
    .select(['users.name as user_name', 'run_tracking.hidden_at', 'experiments.number as experiment'])
    .where('runs.tenant_id', '=', tenant)
    .where(sql<boolean>`runs.id = any(${ids}::uuid[])`)
    .execute();
}

const showInfo = (row: InfoRow): z.input<typeof Run>['info'] => ({
  run_id: row.id,
  run_uuid: row.id,
  run_name: row.name,
  experiment_id: String(row.experiment ?? 0),
  user_id: row.user_name,
  status: STATUS_OF[row.state as RunState],
  start_time: (row.started_at ?? row.created_at).getTime(),
  ...(row.ended_at === null ? {} : { end_time: row.ended_at.getTime() }),
  artifact_uri: artifactRootOf(row.id),
  lifecycle_stage: row.hidden_at === null ? 'active' : 'deleted',
});

const showInput = (input: RunInput): z.input<typeof Run>['inputs']['dataset_inputs'][number] => ({
  tags: input.labels.map(({ name, value }) => ({ key: name, value })),
  dataset: {
    name: input.name,
    digest: input.digest,
    source_type: input.sourceType,
    source: input.source,
    ...(input.schema === null ? {} : { schema: input.schema }),
    ...(input.profile === null ? {} : { profile: input.profile }),
  },
});

/** @throws SodateError `not-found` when it has gone meanwhile */
export async function showOneRun(db: Database, tenant: TenantId, id: RunId): Promise<z.input<typeof Run>> {
  const [run] = await showRuns(db, tenant, [id]);
  if (run === undefined) throw notFound(id);
  return run;
}

/** One to which nothing has been logged yet but these labels. @throws SodateError `not-found` when it has gone meanwhile */
export async function showNewRun(db: Database, tenant: TenantId, id: RunId, labels: readonly Label[]): Promise<z.input<typeof Run>> {
  const row = await readInfo(db, tenant, id);
  return { info: showInfo(row), data: { metrics: [], params: [], tags: showLabels(row, labels) }, inputs: { dataset_inputs: [] } };
}

/** Without what was logged to it. @throws SodateError `not-found` when it has gone meanwhile */
export const showRunInfo = async (db: Database, tenant: TenantId, id: RunId): Promise<z.input<typeof Run>['info']> => showInfo(await readInfo(db, tenant, id));

async function readInfo(db: Database, tenant: TenantId, id: RunId): Promise<InfoRow> {
  const [row] = await readInfos(db, tenant, [id]);
  if (row === undefined) throw notFound(id);
  return row;
}

const notFound = (id: RunId): SodateError => new SodateError('not-found', { thing: 'run', reference: id });

const showLabels = (row: InfoRow, labels: readonly Label[]): z.input<typeof Run>['data']['tags'] => [
  { key: RUN_NAME_TAG, value: row.name },
  ...labels.filter(({ name }) => name !== RUN_NAME_TAG).map(({ name, value }) => ({ key: name, value })),
];

function collect<Row>(rows: readonly Row[], key: (row: Row) => string): ReadonlyMap<string, readonly Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const mine = found.get(key(row));
    if (mine === undefined) found.set(key(row), [row]);
    else mine.push(row);
  }
  return found;
}

import type { Database } from '#kit/db/open-database.ts';
import { latestAsJson, type LatestPoint, parametersAsJson } from '#metrics/metrics.ts';
import { artifactRootOf, RUN_NAME_TAG } from '#mlflow/search-conditions.ts';
import { STATUS_OF } from '#mlflow/statuses.ts';
import { type BegunRun, type Experiment, inputsAsJson, type Label, labelsAsJson, type RunInput } from '#tracking/tracking.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import type { DoubleAnswer, Run } from '@sodate/contract/mlflow.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { type RawBuilder, sql } from 'kysely';
import type { z } from 'zod';

/** An answer with more values than this is asked for in smaller pages. */
const METRICS_PER_ANSWER = 500_000;

export const showDouble = (value: number | null): DoubleAnswer => {
  if (value === null || Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity';
};

/** What lies beside a run's row, of which the statements are those of its features. */
interface Logged {
  readonly metrics: readonly LatestPoint[] | null;
  readonly parameters: readonly (readonly [name: string, value: string])[];
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly inputs: readonly RunInput[];
}

/**
 * Runs as MLflow shows them, in the order of their ids here, with the last value of each metric. Those that have gone
 * meanwhile are left out.
 * @throws SodateError `too-many` when they have more metrics than one answer carries
 */
export async function showRuns(db: Database, tenant: TenantId, ids: readonly RunId[]): Promise<z.input<typeof Run>[]> {
  if (ids.length === 0) return [];
  const id = sql`r.id`;
  const rows = await selectRuns<Logged>(
    db,
    tenant,
    ids,
    sql`, ${latestAsJson(tenant, id, ids, METRICS_PER_ANSWER)} as metrics, ${parametersAsJson(tenant, id)} as parameters,
      ${labelsAsJson(tenant, id)} as labels, ${inputsAsJson(tenant, id)} as inputs`,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((each) => {
    const row = byId.get(each);
    return row === undefined ? [] : [showRun(row)];
  });
}

function showRun(row: InfoRow & Logged): z.input<typeof Run> {
  if (row.metrics === null) throw new SodateError('too-many', { limit: METRICS_PER_ANSWER, things: 'metrics; ask for fewer runs (max_results)' });
  return {
    info: showInfo(row),
    data: {
      metrics: row.metrics.map(([key, value, at, step]) => ({ key, value: value ?? 'NaN', timestamp: at ?? 0, step: step ?? 0 })),
      params: row.parameters.map(([key, value]) => ({ key, value })),
      tags: showLabels(
        row,
        row.labels.map(([name, value]) => ({ name, value })),
      ),
    },
    inputs: { dataset_inputs: row.inputs.map(showInput) },
  };
}

interface InfoRow {
  readonly id: string;
  readonly name: string;
  readonly state: RunState;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly user_name: string;
  readonly hidden_at: Date | null;
  readonly experiment: number | null;
}

/** One statement, in no order. */
async function selectRuns<More>(
  db: Database,
  tenant: TenantId,
  ids: readonly RunId[],
  more: RawBuilder<unknown> = sql``,
): Promise<readonly (InfoRow & More)[]> {
  const { rows } = await sql<InfoRow & More>`
    select r.id, r.name, r.state, r.created_at, r.started_at, r.ended_at, u.name as user_name, t.hidden_at, e.number as experiment ${more}
    from (select * from unnest(${ids}::uuid[]) as a (id) limit ${ids.length}) as asked join runs r on r.id = asked.id
      join users u on u.id = r.created_by left join run_tracking t on t.run_id = r.id left join experiments e on e.id = t.experiment_id
    where r.tenant_id is not distinct from ${tenant}`.execute(db);
  return rows;
}

const showInfo = (row: InfoRow): z.input<typeof Run>['info'] => ({
  run_id: row.id,
  run_uuid: row.id,
  run_name: row.name,
  experiment_id: String(row.experiment ?? 0),
  user_id: row.user_name,
  status: STATUS_OF[row.state],
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

/** One that has just begun, to which nothing has been logged yet but these labels. */
export function showNewRun(
  run: BegunRun & { readonly name: string; readonly userName: string; readonly experiment: Experiment; readonly labels: readonly Label[] },
): z.input<typeof Run> {
  const row: InfoRow = {
    ...{ id: run.id, name: run.name, state: 'running', created_at: run.createdAt, started_at: run.startedAt, ended_at: null },
    ...{ user_name: run.userName, hidden_at: null, experiment: run.experiment.number },
  };
  return { info: showInfo(row), data: { metrics: [], params: [], tags: showLabels(row, run.labels) }, inputs: { dataset_inputs: [] } };
}

/** Without what was logged to them, in the order of the ids. @throws SodateError `not-found` when one has gone meanwhile */
export async function showRunInfos(db: Database, tenant: TenantId, ids: readonly RunId[]): Promise<readonly z.input<typeof Run>['info'][]> {
  const byId = new Map((await selectRuns(db, tenant, ids)).map((row) => [row.id, row]));
  return ids.map((id) => {
    const row = byId.get(id);
    if (row === undefined) throw notFound(id);
    return showInfo(row);
  });
}

const notFound = (id: RunId): SodateError => new SodateError('not-found', { thing: 'run', reference: id });

const showLabels = (row: InfoRow, labels: readonly Label[]): z.input<typeof Run>['data']['tags'] => [
  { key: RUN_NAME_TAG, value: row.name },
  ...labels.filter(({ name }) => name !== RUN_NAME_TAG).map(({ name, value }) => ({ key: name, value })),
];

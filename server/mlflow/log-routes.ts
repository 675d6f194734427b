import type { Caller } from '#kit/http/access.ts';
import { findSeries, readPointsFrom } from '#metrics/metrics.ts';
import { makeLogger } from '#mlflow/log-together.ts';
import type { MlflowBinder } from '#mlflow/mlflow-binder.ts';
import { findAskedRun, findWritableRun, type MlflowParts, type RunAsked } from '#mlflow/mlflow-parts.ts';
import { readPageToken, writePageToken } from '#mlflow/page-token.ts';
import { renameRun } from '#mlflow/run-routes.ts';
import { RUN_NAME_TAG } from '#mlflow/search-conditions.ts';
import { showDouble } from '#mlflow/show-runs.ts';
import { addRunInputs, removeRunLabel, setRunLabels } from '#tracking/tracking.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { type MetricAsked, MLFLOW_LIMITS, type ParamAsked, type TagAsked } from '@sodate/contract/mlflow.ts';
import * as routes from '@sodate/contract/mlflow-routes.ts';
import type { z } from 'zod';

/** Where clients before MLflow 3 note the models that a run logged: a list as JSON, in a tag. */
const MODEL_HISTORY_TAG = 'mlflow.log-model.history';
const RUNS_PER_HISTORY = 100;

interface Batch {
  readonly metrics?: readonly z.output<typeof MetricAsked>[];
  readonly params?: readonly z.output<typeof ParamAsked>[];
  readonly tags?: readonly z.output<typeof TagAsked>[];
}

export function bindLogRoutes(binder: MlflowBinder, parts: MlflowParts): void {
  const { db } = parts;
  const store = makeLogger(parts);

  /** Stores all of a batch or nothing, but for the run's name. */
  async function log(caller: Caller, tenant: TenantId, ask: RunAsked, { metrics = [], params = [], tags = [] }: Batch): Promise<Record<never, never>> {
    checkParamsOfBatch(params);
    const name = tags.findLast(({ key }) => key === RUN_NAME_TAG)?.value;
    if (name !== undefined) await renameRun(parts, tenant, (await findWritableRun(db, tenant, caller, ask)).id, name);
    await store({
      caller,
      tenant,
      run: ask,
      said: {
        points: metrics.map(({ key, value, timestamp, step }) => ({ series: key, value, at: timestamp, step })),
        parameters: params.map(({ key, value }) => ({ name: key, value })),
        labels: tags.filter(({ key }) => key !== RUN_NAME_TAG).map(({ key, value }) => ({ name: key, value })),
      },
    });
    return {};
  }

  binder.bind(routes.logMetric, ({ caller, tenant, ask }) => log(caller, tenant.id, ask, { metrics: [ask] }));
  binder.bind(routes.logParameter, ({ caller, tenant, ask }) => log(caller, tenant.id, ask, { params: [ask] }));
  binder.bind(routes.setTag, ({ caller, tenant, ask }) => log(caller, tenant.id, ask, { tags: [ask] }));

  binder.bind(routes.logBatch, ({ caller, tenant, ask }) => {
    checkSize('metrics', ask.metrics.length, MLFLOW_LIMITS.metricsPerBatch);
    checkSize('params', ask.params.length, MLFLOW_LIMITS.paramsPerBatch);
    checkSize('tags', ask.tags.length, MLFLOW_LIMITS.tagsPerBatch);
    checkSize('metrics, params, and tags', ask.metrics.length + ask.params.length + ask.tags.length, MLFLOW_LIMITS.entitiesPerBatch);
    return log(caller, tenant.id, ask, ask);
  });

  binder.bind(routes.deleteTag, async ({ caller, tenant, ask }) => {
    const run = await findWritableRun(db, tenant.id, caller, ask);
    if (!(await removeRunLabel(db, tenant.id, run.id, ask.key))) throw new SodateError('not-found', { thing: 'tag', reference: ask.key });
    return {};
  });

  binder.bind(routes.logInputs, async ({ caller, tenant, ask }) => {
    checkSize('datasets', ask.datasets.length, MLFLOW_LIMITS.entitiesPerBatch);
    const run = await findWritableRun(db, tenant.id, caller, ask);
    const inputs = ask.datasets.map(({ dataset, tags }) => ({
      name: dataset.name,
      digest: dataset.digest,
      sourceType: dataset.source_type,
      source: dataset.source,
      schema: dataset.schema ?? null,
      profile: dataset.profile ?? null,
      labels: tags.map(({ key, value }) => ({ name: key, value })),
    }));
    await addRunInputs(db, tenant.id, run.id, inputs);
    return {};
  });

  binder.bind(routes.logModel, async ({ caller, tenant, ask }) => {
    const run = await findWritableRun(db, tenant.id, caller, ask);
    const model = parseObject(ask.model_json);
    await db.transaction().execute(async (tx) => {
      // Two that log a model at the same time: the second reads what the first has written.
      await tx.selectFrom('runs').select('id').where('tenant_id', '=', tenant.id).where('id', '=', run.id).forNoKeyUpdate().execute();
      const before = await tx
        .selectFrom('run_labels')
        .select('value')
        .where('tenant_id', '=', tenant.id)
        .where('run_id', '=', run.id)
        .where('name', '=', MODEL_HISTORY_TAG)
        .executeTakeFirst();
      const history = [...parseList(before?.value), model];
      await setRunLabels(tx, tenant.id, run.id, [{ name: MODEL_HISTORY_TAG, value: JSON.stringify(history) }]);
    });
    return {};
  });

  binder.bind(routes.getMetricHistory, async ({ tenant, ask }) => {
    const run = await findAskedRun(db, tenant.id, ask);
    const offset = readPageToken(ask.page_token);
    const [series] = await findSeries(db, tenant.id, [run.id], [ask.metric_key]);
    const points = series === undefined ? [] : await readPointsFrom(db, tenant.id, series.id, { offset, limit: ask.max_results });
    const next = offset + points.length;
    return {
      metrics: points.map(({ step, at, value }) => ({ key: ask.metric_key, value: showDouble(value), timestamp: at, step })),
      ...(series !== undefined && points.length > 0 && next < series.points ? { next_page_token: writePageToken(next) } : {}),
    };
  });

  binder.bind(routes.getMetricHistoryBulk, async ({ tenant, ask }) => {
    const wanted = [...ask.run_id, ...ask.run_ids];
    checkSize('run_id', wanted.length, RUNS_PER_HISTORY);
    const runs = await Promise.all(wanted.map((run_id) => findAskedRun(db, tenant.id, { run_id, run_uuid: '' })));
    const found = await findSeries(
      db,
      tenant.id,
      runs.map(({ id }) => id),
      [ask.metric_key],
    );
    const metrics: z.input<(typeof routes.getMetricHistoryBulk)['answer']>['metrics'] = [];
    for (const series of found) {
      const limit = ask.max_results - metrics.length;
      if (limit <= 0) break;
      const points = await readPointsFrom(db, tenant.id, series.id, { offset: 0, limit });
      for (const { step, at, value } of points) metrics.push({ key: ask.metric_key, value: showDouble(value), timestamp: at, step, run_id: series.run_id });
    }
    return { metrics };
  });
}

function checkSize(what: string, size: number, limit: number): void {
  if (size > limit) throw new SodateError('invalid-request', { details: `A batch logging request can contain at most ${limit} ${what}. Got ${size}` });
}

/** One batch that says two things of one parameter is wrong about one of them. */
function checkParamsOfBatch(params: readonly z.output<typeof ParamAsked>[]): void {
  const seen = new Set<string>();
  for (const { key } of params) {
    if (seen.has(key)) throw new SodateError('invalid-request', { details: `Duplicate parameter keys have been submitted: '${key}'` });
    seen.add(key);
  }
}

function parseObject(text: string): object {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read;
  } catch {
    // Said below.
  }
  throw new SodateError('invalid-request', { details: "Invalid value for parameter 'model_json': not a JSON object" });
}

function parseList(text: string | undefined): readonly unknown[] {
  try {
    const read: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(read) ? read : [];
  } catch {
    return [];
  }
}

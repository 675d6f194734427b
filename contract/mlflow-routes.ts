import { z } from 'zod';
import type { Permission } from './route.ts';
import {
  Experiment,
  ExperimentAsked,
  ExperimentTagAsked,
  FileInfo,
  InputAsked,
  InstantAsked,
  Key,
  listOf,
  Metric,
  MetricAsked,
  MLFLOW_LIMITS,
  pageSize,
  ParamAsked,
  Run,
  RUN_STATUSES,
  RunAsked,
  RunInfo,
  SearchAsked,
  TagAsked,
  Text,
  texts,
  ViewType,
} from './mlflow.ts';

/**
 * MLflow's tracking operations as data, beside the routes of `/v1`: the paths name no tenant, the token's is meant; bodies
 * and errors are MLflow's. Attempts reach all of them through the door for jobs.
 */
export interface MlflowRoute<Ask extends z.ZodType = z.ZodType, Answer extends z.ZodType = z.ZodType> {
  readonly id: string;
  readonly method: 'GET' | 'POST';
  readonly path: `/api/2.0/${string}`;
  readonly permission: Extract<Permission, 'tenant-viewer' | 'tenant-member'>;
  /** The query of a GET, the body of a POST. */
  readonly ask: Ask;
  readonly answer: Answer;
}

const Nothing = z.object({});

const route = <Ask extends z.ZodType, Answer extends z.ZodType = typeof Nothing>(
  method: 'GET' | 'POST',
  path: string,
  spec: { readonly reads?: true; readonly ask: Ask; readonly answer?: Answer },
): MlflowRoute<Ask, Answer> => ({
  id: `mlflow.${path}`,
  method,
  path: `/api/2.0/mlflow/${path}`,
  permission: method === 'GET' || spec.reads === true ? 'tenant-viewer' : 'tenant-member',
  ask: spec.ask,
  answer: (spec.answer ?? Nothing) as Answer,
});

const experimentName = Text.min(1).max(MLFLOW_LIMITS.experimentNameLength);
const ExperimentSearch = SearchAsked.extend({ max_results: pageSize(MLFLOW_LIMITS.experimentsPerPage, 1000), view_type: ViewType });
const experimentsAnswer = z.object({ experiments: z.array(Experiment), next_page_token: z.string().optional() });

export const createExperiment = route('POST', 'experiments/create', {
  ask: z.object({ name: experimentName, tags: listOf(ExperimentTagAsked) }),
  answer: z.object({ experiment_id: z.string() }),
});
export const getExperiment = route('GET', 'experiments/get', { ask: ExperimentAsked, answer: z.object({ experiment: Experiment }) });
export const getExperimentByName = route('GET', 'experiments/get-by-name', {
  ask: z.object({ experiment_name: Text }),
  answer: z.object({ experiment: Experiment }),
});
export const searchExperiments = route('POST', 'experiments/search', { reads: true, ask: ExperimentSearch, answer: experimentsAnswer });
export const listExperiments = route('GET', 'experiments/search', { ask: ExperimentSearch, answer: experimentsAnswer });
export const updateExperiment = route('POST', 'experiments/update', { ask: ExperimentAsked.extend({ new_name: experimentName }) });
export const deleteExperiment = route('POST', 'experiments/delete', { ask: ExperimentAsked });
export const restoreExperiment = route('POST', 'experiments/restore', { ask: ExperimentAsked });
export const setExperimentTag = route('POST', 'experiments/set-experiment-tag', { ask: ExperimentAsked.extend(ExperimentTagAsked.shape) });
export const deleteExperimentTag = route('POST', 'experiments/delete-experiment-tag', { ask: ExperimentAsked.extend({ key: Key }) });

export const createRun = route('POST', 'runs/create', {
  ask: ExperimentAsked.extend({ run_name: Text.nullish(), start_time: InstantAsked, tags: listOf(TagAsked) }),
  answer: z.object({ run: Run }),
});
export const getRun = route('GET', 'runs/get', { ask: RunAsked, answer: z.object({ run: Run }) });
export const updateRun = route('POST', 'runs/update', {
  ask: RunAsked.extend({ status: z.enum(RUN_STATUSES).nullish(), end_time: InstantAsked, run_name: Text.nullish() }),
  answer: z.object({ run_info: RunInfo }),
});
export const deleteRun = route('POST', 'runs/delete', { ask: RunAsked });
export const restoreRun = route('POST', 'runs/restore', { ask: RunAsked });
export const searchRuns = route('POST', 'runs/search', {
  reads: true,
  ask: SearchAsked.extend({ experiment_ids: texts, run_view_type: ViewType, max_results: pageSize(MLFLOW_LIMITS.runsPerPage, 1000) }),
  answer: z.object({ runs: z.array(Run), next_page_token: z.string().optional() }),
});

export const logMetric = route('POST', 'runs/log-metric', { ask: RunAsked.extend(MetricAsked.shape) });
export const logParameter = route('POST', 'runs/log-parameter', { ask: RunAsked.extend(ParamAsked.shape) });
export const logBatch = route('POST', 'runs/log-batch', {
  ask: RunAsked.extend({ metrics: listOf(MetricAsked), params: listOf(ParamAsked), tags: listOf(TagAsked) }),
});
export const logInputs = route('POST', 'runs/log-inputs', { ask: RunAsked.extend({ datasets: listOf(InputAsked) }) });
export const logModel = route('POST', 'runs/log-model', { ask: RunAsked.extend({ model_json: Text.max(1_000_000) }) });
export const setTag = route('POST', 'runs/set-tag', { ask: RunAsked.extend(TagAsked.shape) });
export const deleteTag = route('POST', 'runs/delete-tag', { ask: RunAsked.extend({ key: Key }) });

const historySize = pageSize(MLFLOW_LIMITS.historyPerPage, MLFLOW_LIMITS.historyPerPage);
export const getMetricHistory = route('GET', 'metrics/get-history', {
  ask: RunAsked.extend({ metric_key: Text, page_token: Text.nullish(), max_results: historySize }),
  answer: z.object({ metrics: z.array(Metric), next_page_token: z.string().optional() }),
});
export const getMetricHistoryBulk = route('GET', 'metrics/get-history-bulk', {
  ask: z.object({ run_id: texts, run_ids: texts, metric_key: Text, max_results: historySize }),
  answer: z.object({ metrics: z.array(Metric) }),
});

export const listArtifacts = route('GET', 'artifacts/list', {
  ask: RunAsked.extend({ path: Text.nullish() }),
  answer: z.object({ root_uri: z.string(), files: z.array(FileInfo) }),
});

/** MLflow 3 asks for these beside a run's artifacts. There are none, which is all that is known of them here. */
export const searchLoggedModels = route('POST', 'logged-models/search', { reads: true, ask: z.object({}), answer: z.object({ models: z.array(z.never()) }) });

/** The artifacts of a run by the proxied scheme `mlflow-artifacts:`; the first segment of a path is the run's id. */
export const listProxiedArtifacts: MlflowRoute<z.ZodObject<{ path: z.ZodOptional<typeof Text> }>, z.ZodObject<{ files: z.ZodArray<typeof FileInfo> }>> = {
  id: 'mlflow.mlflow-artifacts/artifacts',
  method: 'GET',
  path: '/api/2.0/mlflow-artifacts/artifacts',
  permission: 'tenant-viewer',
  ask: z.object({ path: Text.optional() }),
  answer: z.object({ files: z.array(FileInfo) }),
};

/** Bytes, not JSON: their permission is here and their handlers stream. */
export const ARTIFACT_PATH = '/api/2.0/mlflow-artifacts/artifacts/*';
export const ARTIFACT_PERMISSIONS = { GET: 'tenant-viewer', PUT: 'tenant-member', DELETE: 'tenant-member' } as const;

export const MLFLOW_ROUTES: readonly MlflowRoute[] = [
  createExperiment,
  getExperiment,
  getExperimentByName,
  searchExperiments,
  listExperiments,
  updateExperiment,
  deleteExperiment,
  restoreExperiment,
  setExperimentTag,
  deleteExperimentTag,
  createRun,
  getRun,
  updateRun,
  deleteRun,
  restoreRun,
  searchRuns,
  logMetric,
  logParameter,
  logBatch,
  logInputs,
  logModel,
  setTag,
  deleteTag,
  getMetricHistory,
  getMetricHistoryBulk,
  listArtifacts,
  searchLoggedModels,
  listProxiedArtifacts,
];

import { z } from 'zod';

/**
 * The wire shapes of MLflow's tracking API, as its published clients send and read them: protocol buffers as JSON, so
 * 64-bit integers may come as numbers or as text, doubles that no JSON number can be are the texts `NaN`, `Infinity` and
 * `-Infinity`, every field may be missing, and unknown ones are ignored. These are MLflow's words; `mlflow-routes.ts` has
 * the operations.
 */

/** As MLflow's server has them, so that its client splits what it sends in the same way. */
export const MLFLOW_LIMITS = {
  metricsPerBatch: 1000,
  paramsPerBatch: 100,
  tagsPerBatch: 100,
  entitiesPerBatch: 1000,
  keyLength: 250,
  paramLength: 6000,
  tagLength: 8000,
  experimentTagLength: 20_000,
  experimentNameLength: 500,
  runsPerPage: 50_000,
  experimentsPerPage: 50_000,
  historyPerPage: 25_000,
} as const;

const NO_NUL = /^[^\u0000]*$/;
export const Text = z.string().regex(NO_NUL, 'must not contain NUL');
const optionalText = Text.nullish().transform((text) => text ?? '');

/** Within what a double holds exactly, which every step and instant is. */
const Int64 = z
  .union([z.number(), z.string().regex(/^-?[0-9]{1,19}$/)])
  .transform(Number)
  .refine(Number.isSafeInteger, 'must be a whole number below 2^53');
const optionalInt64 = Int64.nullish().transform((value) => value ?? null);

const NOT_FINITE = z.enum(['NaN', 'Infinity', '-Infinity']);
const Double = z.union([z.number(), NOT_FINITE, z.string().regex(/^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$/)]).transform(Number);
const DoubleAnswer = z.union([z.number(), NOT_FINITE]);
export type DoubleAnswer = z.infer<typeof DoubleAnswer>;

/** Of a query one value or several; of a body a list. */
export const texts = z
  .union([Text, z.array(Text)])
  .nullish()
  .transform((value) => (value === null || value === undefined ? [] : Array.isArray(value) ? value : [value]));

export const listOf = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);

const key = z.string().min(1).max(MLFLOW_LIMITS.keyLength).regex(NO_NUL);

/**
 * A metric's, parameter's or tag's name. MLflow stores such names as file names in places, and so refuses what would be
 * another one's.
 */
export const Key = key
  .regex(/^[/\p{L}\p{M}\p{N}_.\- :]*$/u, 'may only contain letters, digits, and _ - . / : and spaces')
  .refine(
    (name) => !name.startsWith('/') && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
    'must not read as a path that leads elsewhere',
  );

export const MetricAsked = z.object({
  key: Key,
  value: Double,
  timestamp: Int64,
  step: Int64.nullish().transform((step) => step ?? 0),
});
export const ParamAsked = z.object({ key: Key, value: Text.max(MLFLOW_LIMITS.paramLength) });
export const TagAsked = z.object({ key: Key, value: optionalText.pipe(z.string().max(MLFLOW_LIMITS.tagLength)) });
export const ExperimentTagAsked = z.object({ key: Key, value: optionalText.pipe(z.string().max(MLFLOW_LIMITS.experimentTagLength)) });

/** Older clients say `run_uuid`. */
export const RunAsked = z.object({ run_id: optionalText, run_uuid: optionalText });
export const ExperimentAsked = z.object({ experiment_id: optionalText });

export const VIEW_TYPES = ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL'] as const;
export const ViewType = z
  .enum(VIEW_TYPES)
  .nullish()
  .transform((view) => view ?? 'ACTIVE_ONLY');
export type ViewType = (typeof VIEW_TYPES)[number];

export const RUN_STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const SearchAsked = z.object({ filter: optionalText, order_by: texts, page_token: optionalText });
export const pageSize = (limit: number, usual: number) =>
  Int64.nullish()
    .transform((size) => size ?? usual)
    .refine((size) => size >= 1 && size <= limit, `must be between 1 and ${limit}`);

export const InstantAsked = optionalInt64.refine((at) => at === null || Math.abs(at) < 8.64e15, 'must be milliseconds since 1970');

const Tag = z.object({ key: z.string(), value: z.string() });

export const Experiment = z.object({
  experiment_id: z.string(),
  name: z.string(),
  artifact_location: z.string(),
  lifecycle_stage: z.enum(['active', 'deleted']),
  creation_time: z.number(),
  last_update_time: z.number(),
  tags: z.array(Tag),
});

export const Metric = z.object({ key: z.string(), value: DoubleAnswer, timestamp: z.number(), step: z.number(), run_id: z.string().optional() });

export const RunInfo = z.object({
  run_id: z.string(),
  run_uuid: z.string(),
  run_name: z.string(),
  experiment_id: z.string(),
  user_id: z.string(),
  status: z.enum(RUN_STATUSES),
  start_time: z.number(),
  end_time: z.number().optional(),
  artifact_uri: z.string(),
  lifecycle_stage: z.enum(['active', 'deleted']),
});

const Dataset = z.object({
  name: z.string(),
  digest: z.string(),
  source_type: z.string(),
  source: z.string(),
  schema: z.string().optional(),
  profile: z.string().optional(),
});

export const Run = z.object({
  info: RunInfo,
  data: z.object({ metrics: z.array(Metric), params: z.array(Tag), tags: z.array(Tag) }),
  inputs: z.object({ dataset_inputs: z.array(z.object({ tags: z.array(Tag), dataset: Dataset })) }),
});

export const InputAsked = z.object({
  tags: listOf(z.object({ key: Text.max(255), value: Text.max(500) })),
  dataset: z.object({
    name: Text.min(1).max(500),
    digest: Text.min(1).max(36),
    source_type: optionalText.pipe(z.string().max(500)),
    source: optionalText.pipe(z.string().max(65_535)),
    schema: Text.max(1_048_575).nullish(),
    profile: Text.max(4_000_000).nullish(),
  }),
});

export const FileInfo = z.object({ path: z.string(), is_dir: z.boolean(), file_size: z.number().optional() });

/** What every error looks like; the client takes its code from here and not from the status. */
export const MlflowErrorBody = z.object({ error_code: z.string(), message: z.string() });
export type MlflowErrorBody = z.infer<typeof MlflowErrorBody>;

import { z } from 'zod';
import { Failure } from './failures.ts';
import { RunId, RunRef } from './ids.ts';
import { MetricNumber } from './metric-number.ts';
import { Environment, Memo, PartitionName, Tags, Title } from './names.ts';
import { Instant, Person } from './paging.ts';
import { ImageReference } from './registries.ts';
import { DEFAULT_RESOURCES, OccupiedResources, Resources } from './resources.ts';
import { RunWords } from './run-words.ts';
import { TenantParams } from './tenants.ts';

/** Kinds of runs that somebody submits; one that is tracked only reports of itself. */
export const SUBMITTED_KINDS = ['training', 'inference', 'task'] as const;
export const SubmittedKind = z.enum(SUBMITTED_KINDS);
export type SubmittedKind = z.infer<typeof SubmittedKind>;

export const RUN_KINDS = [...SUBMITTED_KINDS, 'tracked'] as const;
/** What a run is for. One word a kind; its number counts within the kind. */
export const RunKindName = z.enum(RUN_KINDS);
export type RunKindName = z.infer<typeof RunKindName>;

export const RUN_STATES = ['queued', 'starting', 'running', 'stopping', 'finishing', 'succeeded', 'failed', 'cancelled'] as const;
export const RunState = z.enum(RUN_STATES);
export type RunState = z.infer<typeof RunState>;

/** A text is a script: bash where the image has it, else sh. A list is executed as it is, without a shell. */
export const Command = z.union(
  [
    z
      .string()
      .min(1)
      .max(100_000)
      .regex(/^[^\u0000]*$/, 'must not contain NUL'),
    z
      .array(
        z
          .string()
          .max(100_000)
          .regex(/^[^\u0000]*$/, 'must not contain NUL'),
      )
      .min(1)
      .max(1000),
  ],
  { error: 'must be a script as a text, or a program and its arguments as a list of texts' },
);
export type Command = z.infer<typeof Command>;

/** What every submission may say, whatever the kind. */
export const RunSubmission = z.strictObject({
  name: Title,
  memo: Memo.default(''),
  tags: Tags.default([]),
  command: Command,
  environment: Environment.default({}),
  /** `host` = the machine itself, through the local process executor. */
  image: ImageReference.default('host'),
  resources: Resources.prefault(DEFAULT_RESOURCES),
  partition: PartitionName.optional(),
  /** The run is ended after this long in `running`. Without it there is no limit. */
  timeLimitSeconds: z
    .number()
    .int()
    .min(1)
    .max(20 * 86_400)
    .optional(),
  /** Higher goes first within the tenant. */
  priority: z.number().int().min(-100).max(100).default(0),
});
export type RunSubmission = z.infer<typeof RunSubmission>;

/** Why a queued run has not started, in numbers. Computed when asked. */
export const Waiting = z.object({
  /** `turn`: others are ahead. `quota`: the tenant's limit. `capacity`: nothing free now. `never-fits`: no present node is large enough. `no-node`: no healthy node takes this image and partition. */
  reason: z.enum(['turn', 'quota', 'capacity', 'never-fits', 'no-node']),
  message: z.string(),
  /** Runs of this tenant in the same queue that come first. */
  ahead: z.number().int(),
  asked: Resources,
  limit: z.object({ cpu: z.number().nullable(), memory: z.number().nullable(), gpus: z.number().nullable() }).nullable(),
  /** Runs that hold what this one waits for, as kind and number where the caller may see them. */
  heldBy: z.array(z.string()),
});
export type Waiting = z.infer<typeof Waiting>;

/** One metric of a run in a list: last, least and greatest value. NaN and infinities go as texts. */
export const RunMetric = z.object({
  name: z.string(),
  last: MetricNumber.nullable(),
  min: MetricNumber.nullable(),
  max: MetricNumber.nullable(),
});
export type RunMetric = z.infer<typeof RunMetric>;

export const RunSummary = z.object({
  id: RunId,
  number: z.number().int(),
  kind: RunKindName,
  name: z.string(),
  memo: z.string(),
  tags: z.array(z.string()),
  favourite: z.boolean(),
  state: RunState,
  /** What it is doing now, for people: `staging`, `pulling`. */
  phase: z.object({ name: z.string(), progress: z.number().nullable() }).nullable(),
  exitCode: z.number().int().nullable(),
  failure: Failure.nullable(),
  /** What the run said of itself in one line: for an inference the text of `/kqi/output/value.txt`. */
  outputValue: z.string().nullable(),
  resources: OccupiedResources,
  partition: z.string().nullable(),
  image: z.string(),
  node: z.string().nullable(),
  attempt: z.number().int(),
  createdAt: Instant,
  createdBy: Person,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
  /** In lists, those asked for by `metric`. */
  metrics: z.array(RunMetric).optional(),
});
export type RunSummary = z.infer<typeof RunSummary>;

export const RunParams = TenantParams.extend({ run: RunRef });

export const Attempt = z.object({
  number: z.number().int(),
  executor: z.string(),
  node: z.string(),
  isolation: z.enum(['container', 'sandbox', 'none']),
  /** `sha256:…` of the image that really ran; null where images have none, and before it started. */
  imageDigest: z.string().nullable(),
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  failure: Failure.nullable(),
  placedAt: Instant,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
});

/** What a run's present attempt uses. CPU is the time used so far, on all cores together. */
export const Usage = z.object({
  at: Instant,
  cpuSeconds: z.number().min(0),
  memory: z.number().int().min(0),
  networkReceived: z.number().int().min(0),
  networkSent: z.number().int().min(0),
});

/** One step of a run's life, with what is known of why: `words` says what `note` says, and is null where there is none, or from before. */
export const TimelineEntry = z.object({ at: Instant, state: RunState, attempt: z.number().int(), note: z.string(), words: RunWords.nullable() });

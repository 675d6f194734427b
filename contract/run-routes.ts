import { z } from 'zod';
import { InferenceDetails } from './inference.ts';
import { NamedRef, RunRef } from './ids.ts';
import { AnyMetricName } from './metric-number.ts';
import { Memo, Tag, Tags, Title } from './names.ts';
import { ARCHIVED_THINGS_LIMIT, oneOrMore, PageQuery, pageOf, repeated, SearchText } from './paging.ts';
import { Preview } from './preview.ts';
import { defineRoute } from './route.ts';
import { RunWords } from './run-words.ts';
import { Attempt, Command, RunKindName, RunParams, RunState, RunSummary, TimelineEntry, Usage, Waiting } from './runs.ts';
import { SearchParameters } from './search.ts';
import { TaskDetails } from './tasks.ts';
import { TenantParams } from './tenants.ts';
import { TrackedDetails } from './tracking.ts';
import { TrainingDetails } from './training.ts';

/** A run in full: the common part, and what its kind adds. */
export const Run = RunSummary.extend({
  command: Command,
  environment: z.record(z.string(), z.string()),
  timeLimitSeconds: z.number().int().nullable(),
  priority: z.number().int(),
  /** Warnings at submission, such as "no present node is large enough". */
  warnings: z.array(z.string()),
  /** What each of `warnings` says, for a page in another language; null for one from before there were codes. */
  warningWords: z.array(RunWords.nullable()),
  details: z.discriminatedUnion('kind', [TrainingDetails, InferenceDetails, TaskDetails, TrackedDetails]),
});
export type Run = z.infer<typeof Run>;

export const listRuns = defineRoute({
  id: 'runs.list',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs',
  permission: 'tenant-viewer',
  summary: 'Runs, newest first; every given condition must hold',
  params: TenantParams,
  query: PageQuery.extend({
    kind: repeated(RunKindName),
    state: repeated(RunState),
    text: SearchText,
    tag: repeated(Tag),
    createdBy: NamedRef.optional(),
    /** Metrics to show with each run. */
    metric: repeated(AnyMetricName).refine((names) => names === undefined || names.length <= 20, 'at most 20 metrics'),
    favourite: z
      .enum(['true', 'false'])
      .transform((value) => value === 'true')
      .optional(),
    ...SearchParameters,
  }),
  response: pageOf(RunSummary),
  errors: ['search-not-understood', 'search-too-slow'],
});

export const getRun = defineRoute({
  id: 'runs.get',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}',
  permission: 'tenant-viewer',
  summary: 'One run in full',
  params: RunParams,
  response: Run,
});

export const updateRun = defineRoute({
  id: 'runs.update',
  method: 'PATCH',
  path: '/v1/tenants/{tenant}/runs/{run}',
  permission: 'tenant-member',
  summary: 'Change name, memo, tags or the favourite mark',
  params: RunParams,
  body: z.strictObject({ name: Title.optional(), memo: Memo.optional(), tags: Tags.optional(), favourite: z.boolean().optional() }),
  response: Run,
});

export const stopRun = defineRoute({
  id: 'runs.stop',
  method: 'POST',
  path: '/v1/tenants/{tenant}/runs/{run}/stop',
  permission: 'tenant-member',
  summary: 'Ask a run to end; it is killed when the grace time is over. A run that has ended stays as it is',
  params: RunParams,
  body: z.strictObject({ graceSeconds: z.number().int().min(0).max(3600).default(10) }).prefault({}),
  response: RunSummary,
  status: 202,
});

export const deleteRun = defineRoute({
  id: 'runs.delete',
  method: 'DELETE',
  path: '/v1/tenants/{tenant}/runs/{run}',
  permission: 'tenant-member',
  summary: 'Delete a run that has ended, with its outputs and log',
  params: RunParams,
  errors: ['wrong-state', 'in-use'],
});

export const getWaiting = defineRoute({
  id: 'runs.waiting',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/waiting',
  permission: 'tenant-viewer',
  summary: 'Why a queued run has not started yet; null when it is not queued',
  params: RunParams,
  response: z.object({ waiting: Waiting.nullable() }),
});

export const listAttempts = defineRoute({
  id: 'runs.attempts',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/attempts',
  permission: 'tenant-viewer',
  summary: 'The tries at a run, first to last',
  params: RunParams,
  response: z.object({ items: z.array(Attempt) }),
});

export const getUsage = defineRoute({
  id: 'runs.usage',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/usage',
  permission: 'tenant-viewer',
  summary: 'What a running run uses now; null when it does not run, or its executor cannot tell',
  params: RunParams,
  response: z.object({ usage: Usage.nullable() }),
  errors: ['engine-unreachable'],
});

export const getTimeline = defineRoute({
  id: 'runs.timeline',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/timeline',
  permission: 'tenant-viewer',
  summary: 'When the run changed state, and why',
  params: RunParams,
  response: z.object({ items: z.array(TimelineEntry) }),
});

const LogQuery = z.strictObject({
  /** Of the first try this is 1; without it the latest. */
  attempt: z.coerce.number().int().min(1).optional(),
  /** Bytes from the beginning; negative counts from the end. */
  offset: z.coerce.number().int().default(0),
});

export const getLog = defineRoute({
  id: 'runs.log',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/log',
  permission: 'tenant-viewer',
  summary: 'The log as written, from an offset to its present end, as bytes',
  params: RunParams,
  query: LogQuery,
  answers: 'bytes',
});

/** Message of the live log. `offset` is where the next one continues; it is also the event's id, so a reader can resume. */
export const LogEvent = z.object({
  attempt: z.number().int(),
  offset: z.number().int(),
  /** Base64 of the bytes as written. */
  bytes: z.string(),
});
export type LogEvent = z.infer<typeof LogEvent>;

export const followLog = defineRoute({
  id: 'runs.followLog',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/log/live',
  permission: 'tenant-viewer',
  summary: 'Server-sent events: `log` for bytes in batches, `end` when the run has ended and all is sent; resume by Last-Event-ID',
  params: RunParams,
  query: LogQuery,
  answers: 'events',
});

/** A path inside a run's output folder: relative, segments joined by `/`, or empty for the folder itself. */
export const OutputPath = z
  .string()
  .max(4096)
  .refine(
    (path) => path === '' || path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..' && !segment.includes('\u0000')),
    'a relative path without empty, . or .. segments',
  );

export const OutputEntry = z.object({
  /** As UTF-8; a byte that is not UTF-8 is one character from U+EF80 to U+EFFF, and is asked for in the same way. */
  name: z.string(),
  /** `other`: links, which are shown and never followed, and what is neither file nor folder. */
  kind: z.enum(['file', 'folder', 'other']),
  size: z.number().int().nullable(),
  modifiedAt: z.iso.datetime().nullable(),
  /** Of a file, `sha256:…`, some time after the run has ended. */
  digest: z.string().nullable(),
  /** Of a folder, all files below it, some time after the run has ended; counted up to a thousand. */
  below: z.object({ files: z.number().int(), size: z.number().int(), exact: z.boolean() }).nullable(),
});
export type OutputEntry = z.infer<typeof OutputEntry>;

/** Entries of one page of a folder. */
const OutputLimit = z.coerce.number().int().min(1).max(1000).default(200);

export const listOutputs = defineRoute({
  id: 'runs.outputs',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/outputs',
  permission: 'tenant-viewer',
  summary: 'One level of the output folder, by name, also while the run goes on',
  params: RunParams,
  query: z.strictObject({ path: OutputPath.default(''), limit: OutputLimit, cursor: z.string().max(2048).optional() }),
  response: pageOf(OutputEntry),
  errors: ['invalid-cursor'],
});

export const searchOutputs = defineRoute({
  id: 'runs.searchOutputs',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/outputs/search',
  permission: 'tenant-viewer',
  summary: 'All that lies below a folder of the output, or what of it has a text in its name; a page may be short or empty while there is more',
  params: RunParams,
  query: z.strictObject({
    path: OutputPath.default(''),
    text: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[^\u0000]*$/, 'must not contain NUL')
      .optional(),
    limit: OutputLimit,
    cursor: z.string().max(8192).optional(),
  }),
  /** `name` is the path inside the output folder. */
  response: z.object({ items: z.array(OutputEntry), nextCursor: z.string().nullable() }),
  errors: ['invalid-cursor'],
});

export const archiveOutputs = defineRoute({
  id: 'runs.outputArchive',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/outputs/archive',
  permission: 'tenant-viewer',
  summary: 'The output folder, or a folder of it, as a zip made while it is read; of a run that goes on, what is there at the time. No links',
  params: RunParams,
  query: z.strictObject({ path: OutputPath.default('') }),
  answers: 'bytes',
  errors: ['too-many', 'archives-busy'],
});

export const archiveSomeOutputs = defineRoute({
  id: 'runs.someOutputsArchive',
  method: 'GET',
  path: '/v1/tenants/{tenant}/outputs-archive',
  permission: 'tenant-viewer',
  summary: 'The output folders of several runs, each below the name of its run, as one zip made while it is read. No links',
  params: TenantParams,
  query: z.strictObject({
    run: oneOrMore(RunRef, ARCHIVED_THINGS_LIMIT),
  }),
  answers: 'bytes',
  errors: ['too-many', 'archives-busy'],
});

export const previewOutput = defineRoute({
  id: 'runs.outputPreview',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/outputs/preview',
  permission: 'tenant-viewer',
  summary: 'What can be shown of an output file by its beginning: an image, a table, JSON, text, or bytes',
  params: RunParams,
  query: z.strictObject({ path: OutputPath }),
  response: Preview,
});

export const getOutput = defineRoute({
  id: 'runs.outputContent',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/outputs/content',
  permission: 'tenant-viewer',
  summary: 'The bytes of one output file; ranges are supported',
  params: RunParams,
  query: z.strictObject({ path: OutputPath }),
  answers: 'bytes',
  errors: ['range-not-satisfiable'],
});

export const runRoutes = [
  listRuns,
  getRun,
  updateRun,
  stopRun,
  deleteRun,
  getWaiting,
  listAttempts,
  getUsage,
  getTimeline,
  getLog,
  followLog,
  listOutputs,
  getOutput,
  searchOutputs,
  archiveOutputs,
  archiveSomeOutputs,
  previewOutput,
];

import { z } from 'zod';
import { RunId, RunRef } from './ids.ts';
import { AnyMetricName, MetricNumber } from './metric-number.ts';
import { Instant, PageQuery, pageOf, repeated } from './paging.ts';
import { defineRoute } from './route.ts';
import { RunKindName, RunParams, RunState } from './runs.ts';
import { TenantParams } from './tenants.ts';

/** `histogram`, `image` and `text` come from event files only; a chart is of scalars. */
export const SERIES_KINDS = ['scalar', 'histogram', 'image', 'text'] as const;
export const SeriesKind = z.enum(SERIES_KINDS);
export type SeriesKind = z.infer<typeof SeriesKind>;

/** Steps are kept exactly up to this size. */
export const MetricStep = z
  .number()
  .int()
  .min(-(2 ** 52))
  .max(2 ** 52);

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
/** The name of a series or a parameter: any text of up to 1,000 bytes. */
export const MetricName = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[^\u0000\p{Surrogate}]*$/u, 'must not contain NUL, nor half of a surrogate pair')
  .refine((text) => bytesOf(text) <= 1000, 'at most 1,000 bytes');
/** What is known of a series without reading its points. Least and greatest leave NaN out; null where there is nothing else. */
export const Series = z.object({
  name: z.string(),
  kind: SeriesKind,
  source: z.enum(['api', 'jsonl', 'events']),
  /** Of event files: their folder, below the output folder. */
  folder: z.string().nullable(),
  points: z.number().int(),
  nanPoints: z.number().int(),
  firstStep: z.number().int().nullable(),
  lastStep: z.number().int().nullable(),
  lastAt: Instant.nullable(),
  last: MetricNumber.nullable(),
  min: MetricNumber.nullable(),
  minStep: z.number().int().nullable(),
  max: MetricNumber.nullable(),
  maxStep: z.number().int().nullable(),
});
export type Series = z.infer<typeof Series>;

/** What could not be taken of what a run wrote, so that nobody wonders where it is. */
export const MetricLosses = z.object({
  /** Beyond the limits of a run: 10,000 series, 500 million points, 2,000 parameters. */
  dropped: z.number().int(),
  malformedLines: z.number().int(),
  damagedRecords: z.number().int(),
  /** Event files beyond the 1,000 that are followed. */
  skippedFiles: z.number().int(),
  /** The output folder has more entries than are looked through for event files. */
  folderTooLarge: z.boolean(),
});

export const listSeries = defineRoute({
  id: 'metrics.listSeries',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/metrics',
  permission: 'tenant-viewer',
  summary: 'The series of a run by name, with their last, least and greatest values',
  params: RunParams,
  query: PageQuery.extend({ prefix: AnyMetricName.optional(), kind: repeated(SeriesKind) }),
  response: pageOf(Series).extend({ losses: MetricLosses }),
});

/** Points of one request. */
export const APPENDED_POINTS_LIMIT = 10_000;

export const appendPoints = defineRoute({
  id: 'metrics.append',
  method: 'POST',
  path: '/v1/tenants/{tenant}/runs/{run}/metrics',
  permission: 'tenant-member',
  summary: 'Add points to series of a run, which are made by their names; the same points sent again are stored once',
  params: RunParams,
  body: z.strictObject({
    points: z
      .array(z.strictObject({ name: MetricName, step: MetricStep, value: MetricNumber, /** Without it the time of arrival. */ at: Instant.optional() }))
      .min(1)
      .max(APPENDED_POINTS_LIMIT),
  }),
  response: z.object({ stored: z.number().int() }),
  errors: ['metrics-limit'],
});

/** Points of an answer with charts, of all its series together. */
export const CHART_POINTS_LIMIT = 200_000;

/**
 * A series as columns of equal length. With `exact` each entry is a point and `min` and `max` are left out; else it stands
 * for `counts` points from `steps` on: the last of them, the least and the greatest. In the order of steps.
 */
export const Chart = z.object({
  run: z.object({ id: RunId, kind: RunKindName, number: z.number().int(), name: z.string() }),
  name: z.string(),
  points: z.number().int(),
  exact: z.boolean(),
  steps: z.array(z.number()),
  /** Milliseconds since 1970. */
  at: z.array(z.number()),
  last: z.array(MetricNumber),
  min: z.array(MetricNumber).optional(),
  max: z.array(MetricNumber).optional(),
  counts: z.array(z.number().int()).optional(),
});
export type Chart = z.infer<typeof Chart>;

const someRuns = repeated(RunRef).refine((runs) => runs !== undefined && runs.length <= 100, 'from 1 to 100 runs');

export const readCharts = defineRoute({
  id: 'metrics.charts',
  method: 'GET',
  path: '/v1/tenants/{tenant}/metrics',
  permission: 'tenant-viewer',
  summary: 'One or several scalar series of one or several runs, each in at most `maxPoints` stretches that lose no extreme',
  params: TenantParams,
  query: z.strictObject({
    run: someRuns,
    name: repeated(AnyMetricName).refine((names) => names !== undefined && names.length <= 100, 'from 1 to 100 names'),
    from: z.coerce.number().pipe(MetricStep).optional(),
    to: z.coerce.number().pipe(MetricStep).optional(),
    maxPoints: z.coerce.number().int().min(1).max(10_000).default(1_000),
  }),
  response: z.object({ items: z.array(Chart) }),
  errors: ['too-many'],
});

export const Parameter = z.object({ name: z.string(), value: z.string() });

/** Metrics and parameters of several runs side by side: `values[i]` is of `runs[i]`, null where that run has none. */
export const compareRuns = defineRoute({
  id: 'metrics.compare',
  method: 'GET',
  path: '/v1/tenants/{tenant}/metrics/compare',
  permission: 'tenant-viewer',
  summary: 'Last, least and greatest values of every metric, and every parameter, of several runs side by side',
  params: TenantParams,
  query: z.strictObject({ run: someRuns, name: repeated(AnyMetricName) }),
  response: z.object({
    runs: z.array(z.object({ id: RunId, kind: RunKindName, number: z.number().int(), name: z.string(), state: RunState })),
    metrics: z.array(
      z.object({
        name: z.string(),
        values: z.array(
          z
            .object({ last: MetricNumber.nullable(), lastStep: z.number().int().nullable(), min: MetricNumber.nullable(), max: MetricNumber.nullable() })
            .nullable(),
        ),
      }),
    ),
    parameters: z.array(z.object({ name: z.string(), values: z.array(z.string().nullable()), differs: z.boolean() })),
    /** There are more metrics than are compared at once. */
    truncated: z.boolean(),
  }),
});

export const listParameters = defineRoute({
  id: 'metrics.listParameters',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/parameters',
  permission: 'tenant-viewer',
  summary: 'The parameters of a run, by name',
  params: RunParams,
  response: z.object({ items: z.array(Parameter) }),
});

export const setParameters = defineRoute({
  id: 'metrics.setParameters',
  method: 'POST',
  path: '/v1/tenants/{tenant}/runs/{run}/parameters',
  permission: 'tenant-member',
  summary: 'Set parameters of a run. Each is set once: the same value again is accepted, another one refused, with all of the request',
  params: RunParams,
  body: z.strictObject({
    parameters: z
      .array(
        z.strictObject({
          name: MetricName,
          value: z
            .string()
            .max(6000)
            .regex(/^[^\u0000]*$/, 'must not contain NUL'),
        }),
      )
      .min(1)
      .max(1000),
  }),
  response: z.object({ items: z.array(Parameter) }),
  errors: ['parameter-set', 'metrics-limit'],
});

const ItemQuery = z.strictObject({ kind: z.enum(['histogram', 'image', 'text']), name: AnyMetricName });

/** `limits[i]` is the upper end of bucket i, `counts[i]` how many values fell into it. */
export const Histogram = z.object({
  min: MetricNumber,
  max: MetricNumber,
  count: MetricNumber,
  limits: z.array(MetricNumber),
  counts: z.array(MetricNumber),
});

export const listItems = defineRoute({
  id: 'metrics.listItems',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/metrics/items',
  permission: 'tenant-viewer',
  summary: 'Histograms, images or texts of a series by step. Of a long series some are kept, evenly spread, the newest among them',
  params: RunParams,
  query: ItemQuery,
  response: z.object({
    items: z.array(
      z.object({
        /** Names it in its series. */
        item: z.number().int(),
        step: z.number().int(),
        at: Instant,
        histogram: Histogram.nullable(),
        /** Bytes of an image or text. */
        size: z.number().int().nullable(),
      }),
    ),
  }),
});

export const getItemContent = defineRoute({
  id: 'metrics.itemContent',
  method: 'GET',
  path: '/v1/tenants/{tenant}/runs/{run}/metrics/items/content',
  permission: 'tenant-viewer',
  summary: 'The bytes of an image (PNG, JPEG or GIF) or text, read from its event file',
  params: RunParams,
  query: ItemQuery.extend({ item: z.coerce.number().int().min(0) }),
  answers: 'bytes',
  errors: ['range-not-satisfiable'],
});

export const rebuildMetrics = defineRoute({
  id: 'metrics.rebuild',
  method: 'POST',
  path: '/v1/tenants/{tenant}/runs/{run}/metrics/rebuild',
  permission: 'tenant-member',
  summary: 'Read the metrics of a run that has ended again, from the files in its output. They come back within seconds; those of requests stay',
  params: RunParams,
  response: z.object({
    /** That are read again. */
    files: z.number().int(),
  }),
  errors: ['wrong-state'],
});

export const NamedThing = z.enum(['metric', 'parameter']);
export type NamedThing = z.infer<typeof NamedThing>;

export const listNames = defineRoute({
  id: 'metrics.names',
  method: 'GET',
  path: '/v1/tenants/{tenant}/metrics/names',
  permission: 'tenant-viewer',
  summary: 'What metrics or parameters of the runs of the tenant are called: names that begin with a text, then names that contain it',
  params: TenantParams,
  query: z.strictObject({
    kind: NamedThing.default('metric'),
    text: z
      .string()
      .max(200)
      .regex(/^[^\u0000]*$/, 'must not contain NUL')
      .default(''),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  response: z.object({
    items: z.array(z.object({ name: z.string() })),
    /** There are others, or there may be: of very many names not all are looked at. */
    more: z.boolean(),
  }),
});

export const metricRoutes = [
  listSeries,
  appendPoints,
  readCharts,
  compareRuns,
  listParameters,
  setParameters,
  listItems,
  getItemContent,
  rebuildMetrics,
  listNames,
];

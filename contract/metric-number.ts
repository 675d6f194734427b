import { z } from 'zod';

/** A number of a metric: JSON has no NaN and no infinities, so these three go as texts, in both directions. */
export const MetricNumber = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]).describe('A number, or "NaN", "Infinity", "-Infinity"');
export type MetricNumber = z.infer<typeof MetricNumber>;

/** The name of a metric as asked for: names read from files may have a folder before them. */
export const AnyMetricName = z
  .string()
  .min(1)
  .max(2000)
  .regex(/^[^\u0000]*$/, 'must not contain NUL');

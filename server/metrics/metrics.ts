/**
 * What runs say of themselves in numbers, for other features: series of points that arrive in any order, NaN and
 * infinities among them, and parameters. Points are kept packed, in levels of detail, so that a chart costs what it shows.
 * Everything is read and written with its tenant. Points of files are read by `follow-metrics.ts`, of requests by routes.
 */
export { appendPoints, type NewPoint } from './append-points.ts';
export { cleanName } from './clean-name.ts';
export { findSeries, metricColumns, selectLatest as latestMetrics, selectSeries as listSeries } from './list-series.ts';
export { AT_LIMIT, NAME_BYTES_LIMIT, PARAMETER_VALUE_LIMIT, STEP_LIMIT } from './metric-limits.ts';
export type { Bucket, Point } from './packed-points.ts';
export { type Parameter, readParameters, setParameters } from './parameter-store.ts';
export { readBuckets as readSeries, readPointsFrom } from './read-series.ts';
export type { SeriesRow } from './series-store.ts';

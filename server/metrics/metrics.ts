/**
 * What runs say of themselves in numbers, for other features: series of points that arrive in any order, NaN and
 * infinities among them, and parameters. Points are kept packed, in levels of detail, so that a chart costs what it shows.
 * Everything is read and written with its tenant. Points of files are read by `follow-metrics.ts`, of requests by routes.
 */
export { addTogether } from './add-together.ts';
export { appendPoints, type NewPoint } from './append-points.ts';
export { findSeries, latestAsJson, type LatestPoint, metricColumns } from './list-series.ts';
export { type Parameter, parametersAsJson, readParameters, setParameters } from './parameter-store.ts';
export { readBuckets as readSeries, readPointsFrom } from './read-series.ts';

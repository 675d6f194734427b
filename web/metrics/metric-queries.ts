import type { Client } from '@sodate/client/make-client.ts';
import { compareRuns, listSeries, readCharts } from '@sodate/contract/metrics.ts';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';

/*
 * Keys are `[tenant, 'metrics', 'list' | run, …]`: what the live changes refresh. What is of one run is loaded again when
 * that run has written, what is of several at most once a second.
 */

export type Comparison = z.infer<(typeof compareRuns)['response']>;

/** Stretches of a chart as it is first shown: about one every pixel of a tile. A part that is looked at closer has as many again. */
const CHART_POINTS = 600;

const scopeOf = (runs: readonly string[]): string => (runs.length === 1 && runs[0] !== undefined ? runs[0] : 'list');

/** Every scalar metric with its last, least and greatest value, and every parameter. `runs` are ids or references. */
export const comparisonQuery = (client: Client, tenant: string, runs: readonly string[], names?: readonly string[]) =>
  queryOptions({
    queryKey: [tenant, 'metrics', scopeOf(runs), 'comparison', runs, names ?? null],
    queryFn: ({ signal }) =>
      client.call(compareRuns, { params: { tenant }, query: { run: [...runs], name: names === undefined ? undefined : [...names] }, signal }),
    placeholderData: keepPreviousData,
  });

/** A run of those that are looked at, in the order of their colours. */
export interface MetricRun {
  readonly id: string;
  readonly title: string;
}

/** Steps of a chart, both included. */
export interface StepRange {
  readonly from: number;
  readonly to: number;
}

export const chartQuery = (client: Client, tenant: string, runs: readonly string[], name: string, part: StepRange | null) =>
  queryOptions({
    queryKey: [tenant, 'metrics', scopeOf(runs), 'chart', runs, name, part],
    queryFn: async ({ signal }) => {
      const query = { run: [...runs], name: [name], maxPoints: CHART_POINTS, from: part?.from, to: part?.to };
      return (await client.call(readCharts, { params: { tenant }, query, signal })).items;
    },
  });

/** What could not be taken of what a run wrote. */
export const lossesQuery = (client: Client, tenant: string, run: string) =>
  queryOptions({
    queryKey: [tenant, 'metrics', run, 'losses'],
    queryFn: async ({ signal }) => (await client.call(listSeries, { params: { tenant, run }, query: { limit: 1 }, signal })).losses,
  });

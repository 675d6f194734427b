import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useClient } from '../kit/platform.tsx';
import { comparisonQuery } from './metric-queries.ts';

/** Runs whose names are offered: enough to know what they are called, few enough to be quick. */
const ASKED_RUNS = 10;

/** What the metrics and parameters of some runs are called, to be offered; asked for once they are wanted. */
export function useMetricNames(
  tenant: string,
  runs: readonly string[],
  wanted: boolean,
): { readonly metrics: readonly string[]; readonly parameters: readonly string[] } {
  const { data } = useQuery({ ...comparisonQuery(useClient(), tenant, runs.slice(0, ASKED_RUNS)), enabled: wanted && runs.length > 0 });
  return useMemo(() => ({ metrics: (data?.metrics ?? []).map(({ name }) => name), parameters: (data?.parameters ?? []).map(({ name }) => name) }), [data]);
}

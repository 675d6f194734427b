import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { listNames, type NamedThing } from '@sodate/contract/metrics.ts';
import { useMemo } from 'react';
import { useClient } from '../kit/platform.tsx';
import { comparisonQuery } from './metric-queries.ts';

/** Runs whose names are offered first: enough to know what they are called, few enough to be quick. */
const ASKED_RUNS = 10;
const ASKED_NAMES = 50;
/** What is typed without a pause is asked for once. */
const ASKED_AFTER_MS = 150;
/** A name is as good as it was. */
const FRESH_FOR_MS = 30_000;

interface Names {
  readonly metrics: readonly string[];
  readonly parameters: readonly string[];
}

/** What the metrics and parameters of some runs are called, to be offered; asked for once they are wanted. */
export function useMetricNames(tenant: string, runs: readonly string[], wanted: boolean): Names {
  const { data } = useQuery({ ...comparisonQuery(useClient(), tenant, runs.slice(0, ASKED_RUNS)), enabled: wanted && runs.length > 0 });
  return useMemo(() => ({ metrics: (data?.metrics ?? []).map(({ name }) => name), parameters: (data?.parameters ?? []).map(({ name }) => name) }), [data]);
}

/** Names with what is typed in them, of whichever runs of the tenant; null = none are wanted. Those before stay until others are there. */
export function useKnownNames(tenant: string, wanted: { readonly kind: NamedThing; readonly text: string } | null): readonly string[] {
  const client = useClient();
  const [text] = useDebouncedValue(wanted?.text ?? '', ASKED_AFTER_MS);
  const kind = wanted?.kind ?? 'metric';
  const { data } = useQuery({
    queryKey: [tenant, 'metrics', 'names', kind, text],
    queryFn: async ({ signal }) => (await client.call(listNames, { params: { tenant }, query: { kind, text, limit: ASKED_NAMES }, signal })).items,
    enabled: wanted !== null,
    staleTime: FRESH_FOR_MS,
    // Names of parameters are no metrics, and those of another tenant are none of ours.
    placeholderData: (before, asked) => (asked?.queryKey[0] === tenant && asked.queryKey[3] === kind ? before : undefined),
  });
  return useMemo(() => (data ?? []).map(({ name }) => name), [data]);
}

/** Each once; those of the runs in view first. */
export const bothNames = (shown: readonly string[], known: readonly string[]): readonly string[] => [...new Set([...shown, ...known])];

import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { recall, remember } from '../kit/remembered.ts';
import { readMetricColumns } from './read-metric-columns.ts';
import { formatMetric } from './metric-numbers.ts';
import { comparisonQuery } from './metric-queries.ts';

/** The metrics that somebody wants to see in the list of runs, as this device remembers them. */
export function useMetricColumns(): readonly [readonly string[], (metrics: readonly string[]) => void] {
  const [metrics, setMetrics] = useState(() => readMetricColumns(recall('runs-metrics')));
  return [
    metrics,
    (chosen) => {
      setMetrics(chosen);
      remember('runs-metrics', JSON.stringify(chosen));
    },
  ];
}

/** The latest value of a metric of a run among those shown, kept true while they write; null where there is none. */
export function useMetricValues(tenant: string, runs: readonly string[], metrics: readonly string[]): (run: string, metric: string) => string | null {
  const client = useClient();
  const { i18n } = useTranslation();
  const { data } = useQuery({ ...comparisonQuery(client, tenant, runs, metrics), enabled: runs.length > 0 && metrics.length > 0 });
  const values = useMemo(() => {
    const places = new Map((data?.runs ?? []).map(({ id }, index) => [id as string, index]));
    const byName = new Map((data?.metrics ?? []).map((metric) => [metric.name, metric.values]));
    return { places, byName };
  }, [data]);
  return useCallback(
    (run, metric) => {
      const place = values.places.get(run);
      const last = place === undefined ? null : values.byName.get(metric)?.[place]?.last;
      return last == null ? null : formatMetric(last, i18n.language);
    },
    [values, i18n.language],
  );
}

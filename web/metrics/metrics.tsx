import { Alert, Box, Group, SegmentedControl, Skeleton, Stack, Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconChartLine } from '@tabler/icons-react';
import { Suspense, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { useClient } from '../kit/platform.tsx';
import { EmptyNote } from '../ui/empty-note.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { SearchField } from '../ui/search-field.tsx';
import { ChartSettings, useChartView } from './chart-settings.tsx';
import { METRIC_VIEWS, type MetricView } from './compare-search.ts';
import { findMetrics } from './group-metrics.ts';
import { MetricGrid } from './metric-grid.tsx';
import type { ItemKind } from './items/item-queries.ts';
import { useItemNames } from './items/use-item-names.ts';
import { MetricLosses } from './metric-losses.tsx';
import { formatMetric } from './metric-numbers.ts';
import { type Comparison, comparisonQuery } from './metric-queries.ts';
import { MetricTile } from './metric-tile.tsx';
import { MetricValues } from './metric-values.tsx';
import { ParameterTable } from './parameter-table.tsx';
import { RunKey } from './run-key.tsx';

/** Not what most runs have. */
const MetricItems = lazyPart(
  () => import('./items/metric-items.tsx'),
  (part) => part.MetricItems,
);

const CHART_ROW_HEIGHT = 262;

const KIND_OF_VIEW: Readonly<Partial<Record<MetricView, ItemKind>>> = { histograms: 'histogram', images: 'image', texts: 'text' };

interface MetricsProps {
  readonly tenant: string;
  /** Ids or references, in the order of their colours. */
  readonly runs: readonly string[];
  readonly view: MetricView;
  readonly onView: (view: MetricView) => void;
}

/** What runs said of themselves in numbers, live: charts, values and parameters of one run, or of several over each other. */
export function Metrics({ tenant, runs, view, onView }: MetricsProps) {
  const client = useClient();
  const comparison = useQuery(comparisonQuery(client, tenant, runs));
  if (comparison.data === undefined) {
    if (comparison.error !== null) return <ErrorPanel error={comparison.error} onRetry={() => void comparison.refetch()} />;
    return <Skeleton h={420} />;
  }
  return (
    <Stack gap="md">
      {comparison.error !== null && <ErrorPanel error={comparison.error} onRetry={() => void comparison.refetch()} />}
      <MetricsOf tenant={tenant} comparison={comparison.data} view={view} onView={onView} />
    </Stack>
  );
}

function MetricsOf({ tenant, comparison, view, onView }: Pick<MetricsProps, 'tenant' | 'view' | 'onView'> & { readonly comparison: Comparison }) {
  const { t, i18n } = useTranslation();
  const [text, setText] = useState<string | undefined>(undefined);
  const [onlyDifferent, setOnlyDifferent] = useState(false);
  const [chartView, setChartView] = useChartView();
  const { metrics, parameters, truncated } = comparison;
  const several = comparison.runs.length > 1;
  const single = several ? undefined : comparison.runs[0];
  // A state that changes is no reason to draw every chart anew.
  const identity = JSON.stringify(comparison.runs.map((run) => ({ id: run.id, title: `${run.kind}-${run.number} ${run.name}` })));
  const runs = useMemo(() => JSON.parse(identity) as { readonly id: string; readonly title: string }[], [identity]);
  const columns = comparison.runs.map((run, index) => ({ key: run.id, head: <RunKey tenant={tenant} run={run} index={index} /> }));

  const items = useItemNames(tenant, runs);
  const itemKind = KIND_OF_VIEW[view];
  // What no run has is not offered, but for what the address asks for.
  const views = METRIC_VIEWS.filter((one) => {
    const kind = KIND_OF_VIEW[one];
    return kind === undefined || one === view || items.byKind[kind].size > 0;
  });

  const byName = useMemo(() => new Map(metrics.map((metric) => [metric.name, metric])), [metrics]);
  const found = useMemo(() => findMetrics([...byName.keys()], text ?? ''), [byName, text]);
  const foundMetrics = useMemo(() => found.flatMap((name) => byName.get(name) ?? []), [found, byName]);
  const wantedParameters = new Set(
    findMetrics(
      parameters.map(({ name }) => name),
      text ?? '',
    ),
  );
  const shownParameters = parameters.filter(({ name, differs }) => wantedParameters.has(name) && (differs || !several || !onlyDifferent));
  const amount = itemKind !== undefined ? items.byKind[itemKind].size : view === 'parameters' ? parameters.length : metrics.length;
  const shown = itemKind !== undefined ? 0 : view === 'parameters' ? shownParameters.length : found.length;
  const lastOf = (name: string): string | null => {
    const last = several ? null : byName.get(name)?.values[0]?.last;
    return last == null ? null : formatMetric(last, i18n.language);
  };
  return (
    <>
      {single !== undefined && <MetricLosses tenant={tenant} run={single.id} />}
      {truncated && <Alert color="yellow">{t('metrics.truncated')}</Alert>}
      <Group gap="md">
        <Box maw="100%" style={{ overflowX: 'auto' }}>
          <SegmentedControl
            size="xs"
            aria-label={t('metrics.views')}
            value={view}
            onChange={onView}
            data={views.map((value) => ({ value, label: t(`metrics.view.${value}`) }))}
          />
        </Box>
        {amount > 0 && <SearchField value={text} onChange={setText} label={t(view === 'parameters' ? 'metrics.searchParameters' : 'metrics.search')} />}
        {view === 'charts' && amount > 0 && <ChartSettings view={chartView} onChange={setChartView} />}
        {view === 'parameters' && several && amount > 0 && (
          <Switch size="sm" label={t('metrics.onlyDifferent')} checked={onlyDifferent} onChange={(event) => setOnlyDifferent(event.currentTarget.checked)} />
        )}
      </Group>
      {itemKind === undefined && amount === 0 && (
        <EmptyNote
          icon={<IconChartLine size={40} stroke={1.3} />}
          title={t(view === 'parameters' ? 'metrics.noParametersTitle' : 'metrics.noneTitle')}
          text={t(view === 'parameters' ? 'metrics.noParametersText' : 'metrics.noneText')}
        />
      )}
      {itemKind === undefined && amount > 0 && shown === 0 && <EmptyNote icon={<IconChartLine size={40} stroke={1.3} />} title={t('metrics.nothingTitle')} />}
      {shown > 0 && view === 'charts' && (
        <MetricGrid
          metrics={found}
          rowHeight={CHART_ROW_HEIGHT}
          tile={(name) => <MetricTile key={name} tenant={tenant} name={name} runs={runs} view={chartView} last={lastOf(name)} />}
        />
      )}
      {itemKind !== undefined && (
        <Suspense fallback={<Skeleton h={320} />}>
          <MetricItems tenant={tenant} kind={itemKind} runs={runs} items={items} text={text ?? ''} />
        </Suspense>
      )}
      {shown > 0 && view === 'values' && <MetricValues metrics={foundMetrics} columns={columns} />}
      {shown > 0 && view === 'parameters' && <ParameterTable parameters={shownParameters} columns={columns} />}
    </>
  );
}

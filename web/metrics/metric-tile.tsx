import { ActionIcon, Group, Paper, Skeleton, Text, Tooltip } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconZoomReset } from '@tabler/icons-react';
import { Suspense, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { alignCharts, type ChartView, startsOf, stepsWithin } from './chart-lines.ts';
import classes from './metric-grid.module.css';
import { chartQuery, type MetricRun } from './metric-queries.ts';

const LineChart = lazyPart(
  () => import('./line-chart.tsx'),
  (part) => part.LineChart,
);

interface MetricTileProps {
  readonly tenant: string;
  readonly name: string;
  readonly runs: readonly MetricRun[];
  readonly view: ChartView;
  /** The latest value, where there is one run. */
  readonly last: string | null;
}

/** One metric of all the runs. A part that is looked at closer is asked for anew, so that it shows as much as is there. */
export function MetricTile({ tenant, name, runs, view, last }: MetricTileProps) {
  const { t } = useTranslation();
  const client = useClient();
  const [zoomed, setZoomed] = useState<{ readonly axis: ChartView['axis']; readonly part: readonly [number, number] } | null>(null);
  // A part of the steps says nothing on the axis of time.
  const part = zoomed?.axis === view.axis ? zoomed.part : null;
  const references = useMemo(() => runs.map(({ id }) => id), [runs]);
  const whole = useQuery(chartQuery(client, tenant, references, name, null));
  const starts = useMemo(() => startsOf(whole.data ?? []), [whole.data]);
  const steps = useMemo(() => (part === null ? null : stepsWithin(whole.data ?? [], starts, view.axis, part)), [whole.data, starts, view.axis, part]);
  const closer = useQuery({ ...chartQuery(client, tenant, references, name, steps), enabled: steps !== null, placeholderData: keepPreviousData });
  const charts = (steps === null ? undefined : closer.data) ?? whole.data;
  const lines = useMemo(() => alignCharts(charts ?? [], starts, view), [charts, starts, view]);
  const titles = useMemo(() => new Map(runs.map(({ id, title }, index) => [id, { index, title }])), [runs]);

  return (
    <Paper withBorder className={classes['tile'] ?? ''} component="section" aria-label={name}>
      <Group gap={6} wrap="nowrap" justify="space-between" className={classes['tileHead'] ?? ''}>
        <Text size="sm" fw={600} truncate flex="1 1 auto" miw={0} title={name}>
          <bdi>{name}</bdi>
        </Text>
        <Group gap={6} wrap="nowrap">
          {part !== null && (
            <Tooltip label={t('metrics.zoomBack')}>
              <ActionIcon size="sm" variant="subtle" color="gray" aria-label={`${t('metrics.zoomBack')}: ${name}`} onClick={() => setZoomed(null)}>
                <IconZoomReset size={16} />
              </ActionIcon>
            </Tooltip>
          )}
          {last !== null && (
            <Text size="sm" className={classes['last'] ?? ''}>
              {last}
            </Text>
          )}
        </Group>
      </Group>
      {whole.error !== null && whole.data === undefined && <ErrorPanel error={whole.error} onRetry={() => void whole.refetch()} />}
      {whole.isPending && <Skeleton h={190} />}
      {charts !== undefined && (
        <Suspense fallback={<Skeleton h={190} />}>
          <LineChart
            lines={lines}
            runs={titles}
            axis={view.axis}
            log={view.log}
            part={part}
            onPart={(chosen) => setZoomed(chosen === null ? null : { axis: view.axis, part: chosen })}
            label={t('metrics.chartLabel', { name, points: charts.reduce((sum, chart) => sum + chart.points, 0) })}
          />
          {lines.lines.every(({ values }) => values.every((value) => value == null)) && (
            <Text size="xs" c="dimmed" ta="center">
              {t(view.log ? 'metrics.nothingInLog' : 'metrics.nothingFinite')}
            </Text>
          )}
        </Suspense>
      )}
    </Paper>
  );
}

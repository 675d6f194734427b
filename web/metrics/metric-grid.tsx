import { Text, UnstyledButton } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../ui/formats.ts';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import type { ChartView } from './chart-lines.ts';
import { gridRows, groupMetrics } from './group-metrics.ts';
import classes from './metric-grid.module.css';
import type { MetricRun } from './metric-queries.ts';
import { MetricTile } from './metric-tile.tsx';

const TILE_WIDTH = 340;
const ROW_HEIGHT = 262;

/** The charts of all metrics in groups; only those in view are there and ask for their points. */
export function MetricGrid({
  tenant,
  runs,
  metrics,
  view,
  last,
}: {
  readonly tenant: string;
  readonly runs: readonly MetricRun[];
  readonly metrics: readonly string[];
  readonly view: ChartView;
  readonly last: (metric: string) => string | null;
}) {
  const { t, i18n } = useTranslation();
  const { ref, width } = useElementSize();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const columns = Math.max(1, Math.floor(width / TILE_WIDTH));
  const rows = useMemo(() => gridRows(groupMetrics(metrics), closed, columns), [metrics, closed, columns]);
  const toggle = (group: string): void => setClosed(new Set(closed.has(group) ? [...closed].filter((one) => one !== group) : [...closed, group]));
  return (
    <div ref={ref}>
      {width > 0 && (
        <VirtualRows
          bare
          count={rows.length}
          estimate={ROW_HEIGHT}
          keyOf={(index) => {
            const row = rows[index];
            return row?.kind === 'charts' ? `charts ${row.group} ${row.metrics[0] ?? ''}` : `group ${row?.group.name ?? ''}`;
          }}
          row={(index) => {
            const row = rows[index];
            if (row === undefined) return null;
            if (row.kind === 'group') {
              const Chevron = row.open ? IconChevronDown : IconChevronRight;
              return (
                <UnstyledButton className={classes['group'] ?? ''} aria-expanded={row.open} onClick={() => toggle(row.group.name)}>
                  <Chevron size={16} aria-hidden />
                  <Text fw={650} truncate>
                    <bdi>{row.group.name === '' ? t('metrics.noGroup') : row.group.name}</bdi>
                  </Text>
                  <Text size="sm" c="dimmed">
                    {formatNumber(row.group.metrics.length, i18n.language)}
                  </Text>
                </UnstyledButton>
              );
            }
            return (
              <div className={classes['charts']} style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
                {row.metrics.map((name) => (
                  <MetricTile key={name} tenant={tenant} name={name} runs={runs} view={view} last={last(name)} />
                ))}
              </div>
            );
          }}
        />
      )}
    </div>
  );
}

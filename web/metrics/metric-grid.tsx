import { Text, UnstyledButton } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../ui/formats.ts';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import { gridRows, groupMetrics } from './group-metrics.ts';
import classes from './metric-grid.module.css';

const TILE_WIDTH = 340;
/** A row is a third of a screen, and each of its tiles a request. */
const ROWS_BEYOND = 2;

/** What there is of each name, side by side in groups; only those in view are there and ask for what they show. */
export function MetricGrid({
  metrics,
  rowHeight,
  tile,
}: {
  readonly metrics: readonly string[];
  /** A first guess in pixels; rows are measured. */
  readonly rowHeight: number;
  readonly tile: (name: string) => ReactNode;
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
          beyond={ROWS_BEYOND}
          count={rows.length}
          estimate={rowHeight}
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
                {row.metrics.map(tile)}
              </div>
            );
          }}
        />
      )}
    </div>
  );
}

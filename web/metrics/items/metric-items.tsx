import { Alert, Skeleton, Stack } from '@mantine/core';
import { IconChartLine } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { EmptyNote } from '../../ui/empty-note.tsx';
import { ErrorPanel } from '../../ui/error-panel.tsx';
import { formatNumber } from '../../ui/formats.ts';
import { findMetrics } from '../group-metrics.ts';
import { MetricGrid } from '../metric-grid.tsx';
import type { MetricRun } from '../metric-queries.ts';
import type { ItemKind } from './item-queries.ts';
import { ItemTile } from './item-tile.tsx';
import { ITEM_RUNS_LIMIT, type ItemsOfRuns } from './use-item-names.ts';

const ROW_HEIGHTS: Readonly<Record<ItemKind, number>> = { histogram: 320, image: 380, text: 260 };

/** Histograms, images or texts of the event files of some runs, by name. */
export function MetricItems({
  tenant,
  kind,
  runs,
  items,
  text,
}: {
  readonly tenant: string;
  readonly kind: ItemKind;
  /** In the order of their colours. */
  readonly runs: readonly MetricRun[];
  readonly items: ItemsOfRuns;
  /** Only names with these words. */
  readonly text: string;
}) {
  const { t: tm } = useTranslation();
  const { t, i18n } = useTranslation('items');
  const having = items.byKind[kind];
  const found = findMetrics([...having.keys()], text);
  const icon = <IconChartLine size={40} stroke={1.3} />;
  return (
    <Stack gap="md">
      {items.error !== null && <ErrorPanel error={items.error} onRetry={items.refetch} />}
      {items.truncated && <Alert color="yellow">{t('onlyFirstNames')}</Alert>}
      {runs.length > ITEM_RUNS_LIMIT && having.size > 0 && (
        <Alert color="yellow" variant="light">
          {t('onlyFirstRuns', { amount: formatNumber(ITEM_RUNS_LIMIT, i18n.language) })}
        </Alert>
      )}
      {having.size === 0 && items.isPending && <Skeleton h={320} />}
      {having.size === 0 && !items.isPending && items.error === null && <EmptyNote icon={icon} title={t(`none.${kind}`)} text={t('noneText')} />}
      {having.size > 0 && found.length === 0 && <EmptyNote icon={icon} title={tm('metrics.nothingTitle')} />}
      {found.length > 0 && (
        <MetricGrid
          metrics={found}
          rowHeight={ROW_HEIGHTS[kind]}
          tile={(name) => <ItemTile key={name} tenant={tenant} kind={kind} name={name} runs={having.get(name) ?? []} all={runs} />}
        />
      )}
    </Stack>
  );
}

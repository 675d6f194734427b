import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type ComparisonColumn, ComparisonTable } from './comparison-table.tsx';
import { compareNumbers, formatMetric } from './metric-numbers.ts';
import type { Comparison } from './metric-queries.ts';

const STATISTICS = ['last', 'min', 'max'] as const;
type Statistic = (typeof STATISTICS)[number];

/** Numbers instead of lines: of one run all three, of several one of them side by side. */
export function MetricValues({ metrics, columns }: { readonly metrics: Comparison['metrics']; readonly columns: readonly ComparisonColumn[] }) {
  const { t, i18n } = useTranslation();
  const [statistic, setStatistic] = useState<Statistic>('last');
  const several = columns.length > 1;
  const rows = useMemo(
    () =>
      metrics.map(({ name, values }) => {
        const numbers = several ? values.map((value) => value?.[statistic] ?? null) : STATISTICS.map((one) => values[0]?.[one] ?? null);
        const { least, greatest, differs } = compareNumbers(numbers);
        return { name, numbers, differs: several && differs, least, greatest };
      }),
    [metrics, several, statistic],
  );
  return (
    <Stack gap="sm">
      {several && (
        <Group gap="md">
          <SegmentedControl
            size="xs"
            aria-label={t('metrics.statistic')}
            value={statistic}
            onChange={setStatistic}
            data={STATISTICS.map((value) => ({ value, label: t(`metrics.${value}`) }))}
          />
          <Text size="xs" c="dimmed">
            {t('metrics.marks')}
          </Text>
        </Group>
      )}
      <ComparisonTable
        label={t('metrics.view.values')}
        first={t('metrics.metric')}
        columns={several ? columns : STATISTICS.map((key) => ({ key, head: t(`metrics.${key}`) }))}
        rows={rows}
        cell={({ numbers, least, greatest }, column) => {
          const number = numbers[column] ?? null;
          if (number === null) return '–';
          const words = formatMetric(number, i18n.language);
          const mark = !several ? null : least.has(column) ? 'least' : greatest.has(column) ? 'greatest' : null;
          return mark === null ? (
            words
          ) : (
            <Text span inherit fw={650}>
              {words}{' '}
              <span role="img" aria-label={t(`metrics.${mark}`)} title={t(`metrics.${mark}`)}>
                {mark === 'least' ? '▼' : '▲'}
              </span>
            </Text>
          );
        }}
      />
    </Stack>
  );
}

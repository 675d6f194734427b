import { TagsInput } from '@mantine/core';
import { AnyMetricName } from '@sodate/contract/metric-number.ts';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { comparisonQuery } from './metric-queries.ts';
import { METRIC_COLUMNS_LIMIT } from './read-metric-columns.ts';

/** Runs whose metrics are offered: enough to know what they are called, few enough to be quick. */
const ASKED_RUNS = 10;
const OFFERED = 50;

/** Which metrics are columns of the list of runs; those of the runs shown are offered, any other may be typed. */
export function MetricColumnsField({
  tenant,
  runs,
  metrics,
  onChange,
}: {
  readonly tenant: string;
  readonly runs: readonly string[];
  readonly metrics: readonly string[];
  readonly onChange: (metrics: readonly string[]) => void;
}) {
  const { t } = useTranslation();
  const client = useClient();
  const [opened, setOpened] = useState(false);
  const known = useQuery({ ...comparisonQuery(client, tenant, runs.slice(0, ASKED_RUNS)), enabled: opened && runs.length > 0 });
  return (
    <TagsInput
      size="xs"
      maw={280}
      label={t('metrics.columns')}
      description={t('metrics.columnsMost', { amount: METRIC_COLUMNS_LIMIT })}
      placeholder={t('metrics.columnsHint')}
      comboboxProps={{ withinPortal: false }}
      // Names may have commas in them.
      splitChars={[]}
      maxTags={METRIC_COLUMNS_LIMIT}
      limit={OFFERED}
      data={(known.data?.metrics ?? []).map(({ name }) => name)}
      value={[...metrics]}
      onChange={(names) => onChange(names.filter((name) => AnyMetricName.safeParse(name).success))}
      onFocus={() => setOpened(true)}
    />
  );
}

import { TagsInput } from '@mantine/core';
import { AnyMetricName } from '@sodate/contract/metric-number.ts';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bothNames, useKnownNames, useMetricNames } from './metric-names.ts';
import { METRIC_COLUMNS_LIMIT } from './read-metric-columns.ts';

const OFFERED = 50;

/** Which metrics are columns of the list of runs; those of the runs shown are offered first, then those of the tenant; any other may be typed. */
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
  const [opened, setOpened] = useState(false);
  const [typed, setTyped] = useState('');
  const shown = useMetricNames(tenant, runs, opened);
  const known = useKnownNames(tenant, opened ? { kind: 'metric', text: typed } : null);
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
      data={[...bothNames(shown.metrics, known)]}
      searchValue={typed}
      onSearchChange={setTyped}
      value={[...metrics]}
      onChange={(names) => onChange(names.filter((name) => AnyMetricName.safeParse(name).success))}
      onFocus={() => setOpened(true)}
    />
  );
}

import { Loader, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { getDataset, listDatasets } from '@sodate/contract/datasets.ts';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';

const OFFERED = 30;

/** One of the tenant's data sets, found by name. The value is its number as text. */
export function DatasetChooser({
  tenant,
  value,
  onChange,
  error,
}: {
  readonly tenant: string;
  readonly value: string;
  readonly onChange: (dataset: string) => void;
  readonly error: string | null;
}) {
  const { t } = useTranslation();
  const client = useClient();
  const [search, setSearch] = useState('');
  const chosen = useQuery({
    queryKey: [tenant, 'dataset', 'list', 'chosen', value],
    queryFn: ({ signal }) => client.call(getDataset, { params: { tenant, dataset: value }, signal }),
    enabled: value !== '',
  });
  const label = (one: { readonly number: number; readonly name: string }): string => `#${one.number} ${one.name}`;
  const shown = chosen.data === undefined ? null : label(chosen.data);
  // What is chosen stands in the field; it is not what one looks for.
  const [wanted] = useDebouncedValue(search.trim() === shown ? '' : search.trim(), 250);
  const found = useQuery({
    queryKey: [tenant, 'dataset', 'list', 'offered', wanted],
    queryFn: ({ signal }) => client.call(listDatasets, { params: { tenant }, query: { text: wanted === '' ? undefined : wanted, limit: OFFERED }, signal }),
    placeholderData: keepPreviousData,
  });
  const offered = new Map((found.data?.items ?? []).map((one) => [String(one.number), label(one)]));
  if (value !== '') offered.set(value, shown ?? `#${value}`);
  return (
    <Select
      label={t('request.dataset')}
      required
      searchable
      placeholder={t('submit.chooseDataset')}
      value={value === '' ? null : value}
      data={[...offered].map(([number, text]) => ({ value: number, label: text }))}
      searchValue={search}
      onSearchChange={setSearch}
      filter={({ options }) => options}
      rightSection={found.isFetching ? <Loader size={14} /> : undefined}
      nothingFoundMessage={found.data?.items.length === 0 && wanted === '' ? t('datasets.emptyTitle') : t('palette.nothing')}
      onChange={(number) => onChange(number ?? '')}
      error={error}
    />
  );
}

import { Loader, MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { listRuns } from '@sodate/contract/run-routes.ts';
import type { RunKindName } from '@sodate/contract/runs.ts';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { runReference } from './run-words.ts';

const OFFERED = 30;

/** Ended runs of a kind, found by name. The values are kind and number, such as `training-12`. */
export function RunChooser({
  tenant,
  kind,
  label,
  description,
  value,
  onChange,
}: {
  readonly tenant: string;
  readonly kind: RunKindName;
  readonly label: string;
  readonly description: string;
  readonly value: readonly string[];
  readonly onChange: (runs: string[]) => void;
}) {
  const { t } = useTranslation();
  const client = useClient();
  const [search, setSearch] = useState('');
  const [wanted] = useDebouncedValue(search.trim(), 250);
  const found = useQuery({
    queryKey: [tenant, 'run', 'list', 'offered', kind, wanted],
    queryFn: ({ signal }) =>
      client.call(listRuns, {
        params: { tenant },
        query: { kind: [kind], state: ['succeeded', 'failed', 'cancelled'], text: wanted === '' ? undefined : wanted, limit: OFFERED },
        signal,
      }),
    placeholderData: keepPreviousData,
  });
  const offered = new Map(value.map((reference) => [reference, reference]));
  for (const run of found.data?.items ?? []) offered.set(runReference(run), `${runReference(run)} ${run.name}`);
  return (
    <MultiSelect
      label={label}
      description={description}
      searchable
      hidePickedOptions
      value={[...value]}
      data={[...offered].map(([reference, text]) => ({ value: reference, label: text }))}
      searchValue={search}
      onSearchChange={setSearch}
      filter={({ options }) => options}
      maxValues={100}
      rightSection={found.isFetching ? <Loader size={14} /> : undefined}
      nothingFoundMessage={t('palette.nothing')}
      onChange={onChange}
    />
  );
}

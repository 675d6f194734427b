import { CloseButton, Group, MultiSelect, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { RunKindName, RunState } from '@sodate/contract/runs.ts';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RunsFilter } from './run-queries.ts';

/** The text is typed here and goes into the address after a pause, so that typing never waits for the server. */
export function RunsFilters({ filter, onChange }: { readonly filter: RunsFilter; readonly onChange: (filter: RunsFilter) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(filter.text ?? '');
  const sendText = useDebouncedCallback((wanted: string) => onChange({ ...filter, text: wanted.trim() === '' ? undefined : wanted.trim() }), 300);
  const type = (wanted: string): void => {
    setText(wanted);
    sendText(wanted);
  };
  return (
    <Group gap="xs" align="flex-start">
      <TextInput
        flex={{ base: '1 1 100%', xs: '1 1 200px' }}
        maw={{ base: '100%', sm: 320 }}
        value={text}
        onChange={(event) => type(event.currentTarget.value)}
        maxLength={200}
        placeholder={t('runs.search')}
        aria-label={t('runs.search')}
        title={t('runs.searchHint')}
        leftSection={<IconSearch size={16} aria-hidden />}
        rightSection={text === '' ? null : <CloseButton size="sm" aria-label={t('runs.clear')} onClick={() => type('')} />}
      />
      <Select
        flex={{ base: '1 1 130px', xs: '0 0 160px' }}
        aria-label={t('runs.kind')}
        clearable={filter.kind !== undefined}
        value={filter.kind ?? ''}
        data={[{ value: '', label: t('kinds.all') }, ...RunKindName.options.map((kind) => ({ value: kind, label: t(`kinds.${kind}`) }))]}
        onChange={(kind) => onChange({ ...filter, kind: RunKindName.safeParse(kind).data })}
      />
      <MultiSelect
        flex={{ base: '1 1 130px', xs: '0 1 auto' }}
        miw={{ base: 0, xs: 180 }}
        aria-label={t('runs.state')}
        clearable
        placeholder={filter.state === undefined ? t('runs.anyState') : ''}
        value={[...(filter.state ?? [])]}
        data={RunState.options.map((state) => ({ value: state, label: t(`state.${state}`) }))}
        onChange={(states) => {
          const state = RunState.options.filter((one) => states.some((chosen) => chosen === one));
          onChange({ ...filter, state: state.length === 0 ? undefined : state });
        }}
      />
    </Group>
  );
}

import { Chip, Group, MultiSelect, Select, TagsInput } from '@mantine/core';
import { Tag } from '@sodate/contract/names.ts';
import { RunKindName, RunState } from '@sodate/contract/runs.ts';
import { useTranslation } from 'react-i18next';
import type { RunsFilter } from './run-queries.ts';

/** Which runs are shown, for what is asked for most. */
export function RunsFilters({
  filter,
  known,
  me,
  onChange,
}: {
  readonly filter: RunsFilter;
  /** Tags to choose from: those in view. Others can be typed. */
  readonly known: readonly string[];
  readonly me: string;
  readonly onChange: (filter: RunsFilter) => void;
}) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" align="flex-start">
      <Select
        flex={{ base: '1 1 130px', xs: '0 0 150px' }}
        aria-label={t('runs.kind')}
        clearable={filter.kind !== undefined}
        value={filter.kind ?? ''}
        data={[{ value: '', label: t('kinds.all') }, ...RunKindName.options.map((kind) => ({ value: kind, label: t(`kinds.${kind}`) }))]}
        onChange={(kind) => onChange({ ...filter, kind: RunKindName.safeParse(kind).data })}
      />
      <MultiSelect
        flex={{ base: '1 1 130px', xs: '0 1 auto' }}
        miw={{ base: 0, xs: 150 }}
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
      <TagsInput
        flex={{ base: '1 1 130px', xs: '0 1 160px' }}
        aria-label={t('data.tags')}
        placeholder={filter.tag === undefined ? t('data.anyTag') : ''}
        value={[...(filter.tag ?? [])]}
        data={[...known]}
        clearable
        onChange={(tags) => {
          const valid = tags.filter((tag) => Tag.safeParse(tag).success);
          onChange({ ...filter, tag: valid.length === 0 ? undefined : valid });
        }}
      />
      <Chip radius="md" size="sm" mt={4} checked={filter.createdBy === me} onChange={(checked) => onChange({ ...filter, createdBy: checked ? me : undefined })}>
        {t('data.mine')}
      </Chip>
      <Chip
        radius="md"
        size="sm"
        mt={4}
        checked={filter.favourite === true}
        onChange={(checked) => onChange({ ...filter, favourite: checked ? true : undefined })}
      >
        {t('runs.favourites')}
      </Chip>
    </Group>
  );
}

import { Chip, Group, TagsInput } from '@mantine/core';
import { Tag } from '@sodate/contract/names.ts';
import { useTranslation } from 'react-i18next';
import type { DataFilter } from './data-queries.ts';

/** Which data are shown, for what is asked for most: by tags, one's own. */
export function DataFilters({
  filter,
  known,
  me,
  onChange,
}: {
  readonly filter: DataFilter;
  /** Tags to choose from: those in view. Others can be typed. */
  readonly known: readonly string[];
  readonly me: string;
  readonly onChange: (filter: DataFilter) => void;
}) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" align="flex-start">
      <TagsInput
        flex={{ base: '1 1 160px', xs: '0 1 260px' }}
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
    </Group>
  );
}

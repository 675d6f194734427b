import { ActionIcon, Checkbox, Popover, Stack, Text, Tooltip } from '@mantine/core';
import { IconColumns3 } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { recall, remember } from '../kit/remembered.ts';
import { RUN_COLUMNS, type RunColumn } from './run-column-names.ts';

const FIRST_COLUMNS: readonly RunColumn[] = ['value', 'started', 'duration', 'createdBy'];

/** The columns that somebody wants to see besides name and state, as this device remembers them. */
export function useRunsColumns(): readonly [readonly RunColumn[], (columns: readonly RunColumn[]) => void] {
  const [columns, setColumns] = useState(() => {
    const kept = recall('runs-columns');
    return kept === null ? FIRST_COLUMNS : RUN_COLUMNS.filter((column) => kept.split(',').includes(column));
  });
  return [
    columns,
    (chosen) => {
      setColumns(chosen);
      remember('runs-columns', chosen.join(','));
    },
  ];
}

export function RunsColumns({
  columns,
  onChange,
  children,
}: {
  readonly columns: readonly RunColumn[];
  readonly onChange: (columns: readonly RunColumn[]) => void;
  /** Columns of another kind, below. */
  readonly children?: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <Popover position="bottom-end" withinPortal trapFocus>
      <Popover.Target>
        <Tooltip label={t('runs.columns')}>
          <ActionIcon variant="default" size={36} aria-label={t('runs.columns')}>
            <IconColumns3 size={18} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs" role="group" aria-label={t('runs.columns')}>
          <Text size="xs" c="dimmed">
            {t('runs.columns')}
          </Text>
          {RUN_COLUMNS.map((column) => (
            <Checkbox
              key={column}
              size="xs"
              label={t(`runs.column.${column}`)}
              checked={columns.includes(column)}
              onChange={(event) => onChange(RUN_COLUMNS.filter((one) => (one === column ? event.currentTarget.checked : columns.includes(one))))}
            />
          ))}
          {children}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

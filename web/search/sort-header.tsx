import { UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './smart-search.module.css';
import { isSorted, nextSort } from './sort-order.ts';

/** The head of a column by which a list can be sorted. Its cell has `ariaSort`. */
export function SortHeader({
  column,
  descendingFirst = false,
  sort,
  onSort,
  children,
}: {
  readonly column: string;
  readonly descendingFirst?: boolean;
  readonly sort: string | undefined;
  readonly onSort: (sort: string | undefined) => void;
  readonly children: ReactNode;
}) {
  const { t } = useTranslation();
  const sorted = isSorted(sort, column);
  return (
    <UnstyledButton className={classes['sort'] ?? ''} title={t('search.sortHint')} onClick={() => onSort(nextSort(sort, column, descendingFirst))}>
      {children}
      {sorted === 'ascending' && <IconArrowUp size={13} aria-hidden />}
      {sorted === 'descending' && <IconArrowDown size={13} aria-hidden />}
    </UnstyledButton>
  );
}

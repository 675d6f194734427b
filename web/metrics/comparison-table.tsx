import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import classes from './comparison-table.module.css';

export interface ComparisonColumn {
  readonly key: string;
  readonly head: ReactNode;
}

export interface ComparisonRow {
  readonly name: string;
  /** Not the same in all runs. */
  readonly differs: boolean;
}

/** Names down, runs across; however many rows, only those in view are drawn. What differs is marked with a sign as well as a colour. */
export function ComparisonTable<Row extends ComparisonRow>({
  label,
  first,
  columns,
  rows,
  cell,
}: {
  readonly label: string;
  /** What is above the names. */
  readonly first: string;
  readonly columns: readonly ComparisonColumn[];
  readonly rows: readonly Row[];
  readonly cell: (row: Row, column: number) => ReactNode;
}) {
  const { t } = useTranslation();
  const template = { gridTemplateColumns: `minmax(130px, 1.4fr) repeat(${columns.length}, minmax(110px, 1fr))`, minWidth: 130 + columns.length * 124 };
  return (
    <div className={classes['frame']} role="region" aria-label={label} tabIndex={0}>
      <div role="table" aria-label={label} aria-rowcount={rows.length + 1} style={{ minWidth: template.minWidth }}>
        <div role="rowgroup">
          <div role="row" aria-rowindex={1} className={`${classes['row']} ${classes['head']}`} style={template}>
            <div role="columnheader" className={classes['name']}>
              {first}
            </div>
            {columns.map(({ key, head }) => (
              <div key={key} role="columnheader" className={classes['cell']}>
                {head}
              </div>
            ))}
          </div>
        </div>
        <VirtualRows
          count={rows.length}
          estimate={38}
          keyOf={(index) => rows[index]?.name ?? ''}
          row={(index) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <div role="row" aria-rowindex={index + 2} className={classes['row']} data-differs={row.differs || undefined} style={template}>
                <div role="rowheader" className={classes['name']}>
                  <bdi>{row.name}</bdi>
                  {row.differs && (
                    <Text span size="xs" className={classes['mark'] ?? ''} title={t('metrics.differs')} role="img" aria-label={t('metrics.differs')}>
                      ≠
                    </Text>
                  )}
                </div>
                {columns.map(({ key }, column) => (
                  <div key={key} role="cell" className={classes['cell']}>
                    {cell(row, column)}
                  </div>
                ))}
              </div>
            );
          }}
        />
      </div>
    </div>
  );
}

import { Table } from '@mantine/core';
import type { RunSummary } from '@sodate/contract/runs.ts';
import { useCallback, useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { chooseRows } from '../ui/choose-rows.ts';
import { SortHeader } from '../search/sort-header.tsx';
import { isSorted } from '../search/sort-order.ts';
import { Tick } from '../ui/tick.tsx';
import type { RunColumn } from './run-column-names.ts';
import { IN_NUMBERS, RunRow } from './runs-row.tsx';
import rows from '../ui/rows.module.css';
import classes from './runs-table.module.css';

interface RunsTableProps {
  readonly tenant: string;
  readonly runs: readonly RunSummary[];
  readonly columns: readonly RunColumn[];
  /** Metrics that are columns too, and what a run has of them. */
  readonly metrics: readonly string[];
  readonly metricValue: (run: string, metric: string) => string | null;
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (selected: ReadonlySet<string>) => void;
  readonly sort: string | undefined;
  readonly onSort: (sort: string | undefined) => void;
  /** null for those who may only look. */
  readonly onFavourite: ((run: RunSummary) => void) | null;
}

/** The columns that the server sorts by, by its words. */
const SORTED_BY: Readonly<Partial<Record<RunColumn, string>>> = {
  value: 'value',
  started: 'started',
  duration: 'duration',
  created: 'created',
  exitCode: 'exit',
};

/** On a narrow screen a row becomes two lines: the run, then what would have been the other columns. */
export function RunsTable({ tenant, runs, columns, metrics, metricValue, selected, onSelect, sort, onSort, onFavourite }: RunsTableProps) {
  const { t } = useTranslation();
  const last = useRef<string | null>(null);
  const ids = runs.map(({ id }) => id);
  // Rows are drawn again when something of theirs changes. What they call stays the same and does the latest.
  const latest = useRef({ ids, selected, onSelect, onFavourite });
  useLayoutEffect(() => {
    latest.current = { ids, selected, onSelect, onFavourite };
  });
  const select = useCallback((run: RunSummary, range: boolean): void => {
    const now = latest.current;
    now.onSelect(chooseRows(now.ids, now.selected, run.id, last.current, range));
    last.current = run.id;
  }, []);
  const favour = useCallback((run: RunSummary): void => latest.current.onFavourite?.(run), []);
  const here = ids.filter((id) => selected.has(id)).length;
  return (
    <div className={rows['frame']}>
      <Table verticalSpacing="sm" highlightOnHover className={classes['table'] ?? ''}>
        <Table.Thead>
          <Table.Tr>
            {onFavourite !== null && (
              <Table.Th className={classes['tick'] ?? ''}>
                <Tick
                  label={t('data.selectAll')}
                  checked={here === ids.length}
                  some={here > 0 && here < ids.length}
                  onChange={() => onSelect(here === ids.length ? new Set() : new Set(ids))}
                />
              </Table.Th>
            )}
            <Table.Th aria-sort={isSorted(sort, 'name')}>
              <SortHeader column="name" sort={sort} onSort={onSort}>
                {t('runs.name')}
              </SortHeader>
            </Table.Th>
            <Table.Th aria-sort={isSorted(sort, 'state')}>
              <SortHeader column="state" sort={sort} onSort={onSort}>
                {t('runs.state')}
              </SortHeader>
            </Table.Th>
            {columns.map((column) => {
              const sortedBy = SORTED_BY[column];
              const words = t(`runs.column.${column}`);
              return (
                <Table.Th
                  key={column}
                  visibleFrom="sm"
                  className={IN_NUMBERS.has(column) ? (classes['number'] ?? '') : ''}
                  aria-sort={sortedBy === undefined ? undefined : isSorted(sort, sortedBy)}
                >
                  {sortedBy === undefined ? (
                    words
                  ) : (
                    <SortHeader column={sortedBy} descendingFirst={column !== 'value'} sort={sort} onSort={onSort}>
                      {words}
                    </SortHeader>
                  )}
                </Table.Th>
              );
            })}
            {metrics.map((metric) => (
              <Table.Th key={`metric ${metric}`} visibleFrom="sm" className={classes['number'] ?? ''}>
                <bdi>{metric}</bdi>
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {runs.map((run) => (
            <RunRow
              key={run.id}
              tenant={tenant}
              run={run}
              columns={columns}
              metrics={metrics}
              metricValue={metricValue}
              selected={selected.has(run.id)}
              onSelect={select}
              onFavourite={onFavourite === null ? null : favour}
            />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

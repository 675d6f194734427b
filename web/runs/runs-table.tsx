import { ActionIcon, Checkbox, Table, Text } from '@mantine/core';
import type { RunSummary } from '@sodate/contract/runs.ts';
import { Link } from '@tanstack/react-router';
import { IconStar, IconStarFilled } from '@tabler/icons-react';
import { type ReactNode, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { chooseRows } from '../ui/choose-rows.ts';
import { Duration, Moment } from '../ui/moment.tsx';
import { SortHeader } from '../search/sort-header.tsx';
import { isSorted } from '../search/sort-order.ts';
import { StateBadge } from '../ui/state-badge.tsx';
import { TagList } from '../ui/tag-list.tsx';
import { hasEnded, phaseWords, resourcesWords, runReference } from './run-words.ts';
import type { RunColumn } from './run-column-names.ts';
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
const IN_NUMBERS: ReadonlySet<RunColumn> = new Set(['duration', 'exitCode']);

/** On a narrow screen a row becomes two lines: the run, then what would have been the other columns. */
export function RunsTable({ tenant, runs, columns, metrics, metricValue, selected, onSelect, sort, onSort, onFavourite }: RunsTableProps) {
  const { t } = useTranslation();
  const last = useRef<string | null>(null);
  const ids = runs.map(({ id }) => id);
  const here = ids.filter((id) => selected.has(id)).length;
  return (
    <div className={rows['frame']}>
      <Table verticalSpacing="sm" highlightOnHover className={classes['table'] ?? ''}>
        <Table.Thead>
          <Table.Tr>
            {onFavourite !== null && (
              <Table.Th className={classes['tick'] ?? ''}>
                <Checkbox
                  size="xs"
                  aria-label={t('data.selectAll')}
                  checked={here === ids.length}
                  indeterminate={here > 0 && here < ids.length}
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
              onSelect={(range) => {
                onSelect(chooseRows(ids, selected, run.id, last.current, range));
                last.current = run.id;
              }}
              onFavourite={onFavourite}
            />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

interface RunRowProps extends Pick<RunsTableProps, 'tenant' | 'columns' | 'metrics' | 'metricValue' | 'onFavourite'> {
  readonly run: RunSummary;
  readonly selected: boolean;
  readonly onSelect: (range: boolean) => void;
}

function RunRow({ tenant, run, columns, metrics, metricValue, selected, onSelect, onFavourite }: RunRowProps) {
  const { t, i18n } = useTranslation();
  const duration = run.startedAt === null ? null : <Duration from={run.startedAt} to={run.endedAt} />;
  return (
    <Table.Tr className={classes['row'] ?? ''} data-selected={selected || undefined}>
      {onFavourite !== null && (
        <Table.Td className={classes['tick'] ?? ''}>
          <Checkbox
            size="xs"
            aria-label={t('data.select', { name: run.name })}
            checked={selected}
            onChange={(event) => onSelect(event.nativeEvent instanceof MouseEvent && event.nativeEvent.shiftKey)}
          />
          <ActionIcon
            variant="transparent"
            size="xs"
            color={run.favourite ? 'yellow' : 'gray'}
            aria-label={t(run.favourite ? 'runs.unstar' : 'runs.star', { name: run.name })}
            aria-pressed={run.favourite}
            onClick={() => onFavourite(run)}
          >
            {run.favourite ? <IconStarFilled size={14} /> : <IconStar size={14} />}
          </ActionIcon>
        </Table.Td>
      )}
      <Table.Td className={classes['main'] ?? ''}>
        <Link className={`${rows['link']} ${classes['link']}`} to="/tenants/$tenant/runs/$run" params={{ tenant, run: runReference(run) }} title={run.name}>
          {run.name}
        </Link>
        <Text size="xs" c="dimmed" component="div">
          {t(`kind.${run.kind}`)} {run.number}
          <Text span hiddenFrom="sm" inherit>
            {run.startedAt !== null && (
              <>
                {' · '}
                <Moment at={run.startedAt} />
                {' · '}
                {duration}
              </>
            )}
          </Text>
          {run.phase !== null && !hasEnded(run.state) && ` · ${phaseWords(run.phase, t, i18n.language)}`}
          {run.failure !== null && ` · ${t(`failure.${run.failure.class}`)}`}
        </Text>
        {run.outputValue !== null && (
          <Text size="sm" hiddenFrom="sm" lineClamp={1} ff="monospace">
            {run.outputValue}
          </Text>
        )}
      </Table.Td>
      <Table.Td className={classes['narrow'] ?? ''}>
        <StateBadge state={run.state} />
      </Table.Td>
      {columns.map((column) => (
        <Table.Td key={column} visibleFrom="sm" className={`${classes[column] ?? classes['narrow']} ${IN_NUMBERS.has(column) ? classes['number'] : ''}`}>
          <Cell run={run} column={column} />
        </Table.Td>
      ))}
      {metrics.map((metric) => (
        <Table.Td key={`metric ${metric}`} visibleFrom="sm" className={`${classes['narrow']} ${classes['number']}`}>
          {metricValue(run.id, metric) ?? <span className={classes['quiet']}>{t('time.none')}</span>}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

function Cell({ run, column }: { readonly run: RunSummary; readonly column: RunColumn }): ReactNode {
  const { t, i18n } = useTranslation();
  const nothing = <span className={classes['quiet']}>{t('time.none')}</span>;
  switch (column) {
    case 'value':
      return run.outputValue === null ? (
        nothing
      ) : (
        <Text size="sm" lineClamp={1} ff="monospace" title={run.outputValue}>
          {run.outputValue}
        </Text>
      );
    case 'started':
      return run.startedAt === null ? <span className={classes['quiet']}>{t('run.notStarted')}</span> : <Moment at={run.startedAt} />;
    case 'duration':
      return run.startedAt === null ? nothing : <Duration from={run.startedAt} to={run.endedAt} />;
    case 'createdBy':
      return run.createdBy.displayName;
    case 'tags':
      return run.tags.length === 0 ? nothing : <TagList tags={run.tags} most={4} />;
    case 'resources':
      return resourcesWords(run.resources, t, i18n.language);
    case 'image':
      return (
        <Text size="sm" lineClamp={1} title={run.image}>
          {run.image === 'host' ? t('request.host') : run.image}
        </Text>
      );
    case 'node':
      return run.node ?? nothing;
    case 'created':
      return <Moment at={run.createdAt} />;
    case 'exitCode':
      return run.exitCode ?? nothing;
  }
}

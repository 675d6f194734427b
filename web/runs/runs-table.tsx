import { Table, Text } from '@mantine/core';
import type { RunSummary } from '@sodate/contract/runs.ts';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Duration, Moment } from '../ui/moment.tsx';
import { StateBadge } from '../ui/state-badge.tsx';
import { hasEnded, phaseWords, runReference } from './run-words.ts';
import classes from './runs-table.module.css';

/** On a narrow screen a row becomes two lines: the run, then what would have been the other columns. */
export function RunsTable({ tenant, runs }: { readonly tenant: string; readonly runs: readonly RunSummary[] }) {
  const { t } = useTranslation();
  return (
    <div className={classes['frame']}>
      <Table verticalSpacing="sm" highlightOnHover className={classes['table'] ?? ''}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('runs.name')}</Table.Th>
            <Table.Th>{t('runs.state')}</Table.Th>
            <Table.Th visibleFrom="sm">{t('runs.value')}</Table.Th>
            <Table.Th visibleFrom="sm">{t('runs.started')}</Table.Th>
            <Table.Th visibleFrom="sm" className={classes['number'] ?? ''}>
              {t('runs.duration')}
            </Table.Th>
            <Table.Th visibleFrom="lg">{t('runs.createdBy')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {runs.map((run) => (
            <RunRow key={run.id} tenant={tenant} run={run} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function RunRow({ tenant, run }: { readonly tenant: string; readonly run: RunSummary }) {
  const { t, i18n } = useTranslation();
  const duration = run.startedAt === null ? null : <Duration from={run.startedAt} to={run.endedAt} />;
  return (
    <Table.Tr className={classes['row'] ?? ''}>
      <Table.Td className={classes['main'] ?? ''}>
        <Link className={classes['link']} to="/tenants/$tenant/runs/$run" params={{ tenant, run: runReference(run) }} title={run.name}>
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
      <Table.Td visibleFrom="sm" className={classes['value'] ?? ''}>
        {run.outputValue === null ? (
          <Text c="dimmed" size="sm">
            {t('time.none')}
          </Text>
        ) : (
          <Text size="sm" lineClamp={1} ff="monospace" title={run.outputValue}>
            {run.outputValue}
          </Text>
        )}
      </Table.Td>
      <Table.Td visibleFrom="sm" className={classes['narrow'] ?? ''}>
        {run.startedAt === null ? <span className={classes['quiet']}>{t('run.notStarted')}</span> : <Moment at={run.startedAt} />}
      </Table.Td>
      <Table.Td visibleFrom="sm" className={`${classes['number']} ${classes['narrow']}`}>
        {duration ?? <span className={classes['quiet']}>{t('time.none')}</span>}
      </Table.Td>
      <Table.Td visibleFrom="lg" className={classes['narrow'] ?? ''}>
        {run.createdBy.displayName}
      </Table.Td>
    </Table.Tr>
  );
}

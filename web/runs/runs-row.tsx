import type { RunSummary } from '@sodate/contract/runs.ts';
import { Link } from '@tanstack/react-router';
import { IconStar, IconStarFilled } from '@tabler/icons-react';
import { memo, type ReactNode } from 'react';
import { useWords } from '../kit/i18n/words.tsx';
import { Duration, Moment } from '../ui/moment.tsx';
import { StateBadge } from '../ui/state-badge.tsx';
import { TagList } from '../ui/tag-list.tsx';
import { Tick } from '../ui/tick.tsx';
import { hasEnded, phaseWords, resourcesWords, runReference } from './run-words.ts';
import type { RunColumn } from './run-column-names.ts';
import rows from '../ui/rows.module.css';
import classes from './runs-table.module.css';

export const IN_NUMBERS: ReadonlySet<RunColumn> = new Set(['duration', 'exitCode']);

interface RunRowProps {
  readonly tenant: string;
  readonly run: RunSummary;
  readonly columns: readonly RunColumn[];
  readonly metrics: readonly string[];
  readonly metricValue: (run: string, metric: string) => string | null;
  readonly selected: boolean;
  readonly onSelect: (run: RunSummary, range: boolean) => void;
  /** null for those who may only look. */
  readonly onFavourite: ((run: RunSummary) => void) | null;
}

/**
 * One run of the list, drawn again only when something of it changed. A page of the list has fifty, so they are plain
 * elements: with Mantine's components the page's scripts took 1.7 times as long.
 */
export const RunRow = memo(function RunRow({ tenant, run, columns, metrics, metricValue, selected, onSelect, onFavourite }: RunRowProps) {
  const { t, language } = useWords();
  return (
    <tr className={classes['row']} data-selected={selected || undefined}>
      {onFavourite !== null && (
        <td className={classes['tick']}>
          <Tick label={t('data.select', { name: run.name })} checked={selected} onChange={(range) => onSelect(run, range)} />
          <button
            type="button"
            className={classes['star']}
            aria-label={t(run.favourite ? 'runs.unstar' : 'runs.star', { name: run.name })}
            aria-pressed={run.favourite}
            onClick={() => onFavourite(run)}
          >
            {run.favourite ? <IconStarFilled size={14} /> : <IconStar size={14} />}
          </button>
        </td>
      )}
      <td className={classes['main']}>
        <Link className={`${rows['link']} ${classes['link']}`} to="/tenants/$tenant/runs/$run" params={{ tenant, run: runReference(run) }} title={run.name}>
          {run.name}
        </Link>
        <div className={classes['under']}>
          {t(`kind.${run.kind}`)} {run.number}
          {run.startedAt !== null && (
            <span className={classes['onlyNarrow']}>
              {' · '}
              <Moment at={run.startedAt} />
              {' · '}
              <Duration from={run.startedAt} to={run.endedAt} />
            </span>
          )}
          {run.phase !== null && !hasEnded(run.state) && ` · ${phaseWords(run.phase, t, language)}`}
          {run.failure !== null && ` · ${t(`failure.${run.failure.class}`)}`}
        </div>
        {run.outputValue !== null && <div className={`${classes['output']} ${classes['onlyNarrow']}`}>{run.outputValue}</div>}
      </td>
      <td className={classes['narrow']}>
        <StateBadge state={run.state} />
      </td>
      {columns.map((column) => (
        <td key={column} className={`${classes['wide']} ${classes[column] ?? classes['narrow']} ${IN_NUMBERS.has(column) ? classes['number'] : ''}`}>
          <Cell run={run} column={column} />
        </td>
      ))}
      {metrics.map((metric) => (
        <td key={`metric ${metric}`} className={`${classes['wide']} ${classes['narrow']} ${classes['number']}`}>
          {metricValue(run.id, metric) ?? <span className={classes['quiet']}>{t('time.none')}</span>}
        </td>
      ))}
    </tr>
  );
});

function Cell({ run, column }: { readonly run: RunSummary; readonly column: RunColumn }): ReactNode {
  const { t, language } = useWords();
  const nothing = <span className={classes['quiet']}>{t('time.none')}</span>;
  switch (column) {
    case 'value':
      return run.outputValue === null ? (
        nothing
      ) : (
        <div className={classes['output']} title={run.outputValue}>
          {run.outputValue}
        </div>
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
      return resourcesWords(run.resources, t, language);
    case 'image':
      return (
        <div className={classes['oneLine']} title={run.image}>
          {run.image === 'host' ? t('request.host') : run.image}
        </div>
      );
    case 'node':
      return run.node ?? nothing;
    case 'created':
      return <Moment at={run.createdAt} />;
    case 'exitCode':
      return run.exitCode ?? nothing;
  }
}

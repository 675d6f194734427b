import { Progress, Text } from '@mantine/core';
import type { RunSummary } from '@sodate/contract/runs.ts';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Duration, Moment } from '../ui/moment.tsx';
import { StateBadge } from '../ui/state-badge.tsx';
import rows from '../ui/rows.module.css';
import classes from './run-lines.module.css';
import { hasEnded, phaseWords, runReference } from './run-words.ts';

/** Runs, a few lines each: for places where a table would be too much. */
export function RunLines({
  tenant,
  runs,
  note,
}: {
  readonly tenant: string;
  readonly runs: readonly RunSummary[];
  /** What there is to say of a run besides; shown below it. */
  readonly note?: (run: RunSummary, index: number) => ReactNode;
}) {
  const { t, i18n } = useTranslation();
  return (
    <ul className={classes['lines']}>
      {runs.map((run, index) => (
        <li key={run.id} className={classes['line']}>
          <div className={classes['text']}>
            <Link className={`${rows['link']} ${classes['link']}`} to="/tenants/$tenant/runs/$run" params={{ tenant, run: runReference(run) }} title={run.name}>
              {run.name}
            </Link>
            <Text size="xs" c="dimmed" component="div">
              {t(`kind.${run.kind}`)} {run.number} · {run.createdBy.displayName} · <Moment at={run.endedAt ?? run.startedAt ?? run.createdAt} />
              {run.startedAt !== null && (
                <>
                  {' · '}
                  <Duration from={run.startedAt} to={run.endedAt} />
                </>
              )}
              {run.phase !== null && !hasEnded(run.state) && ` · ${phaseWords(run.phase, t, i18n.language)}`}
            </Text>
            {run.phase?.progress != null && !hasEnded(run.state) && (
              <Progress value={run.phase.progress * 100} size="xs" mt={4} aria-label={phaseWords(run.phase, t, i18n.language)} />
            )}
            {note?.(run, index)}
          </div>
          <StateBadge state={run.state} />
        </li>
      ))}
    </ul>
  );
}

import { Button, Group, Paper, Skeleton, Slider, Stack, Text, useComputedColorScheme } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../../kit/platform.tsx';
import { ErrorPanel } from '../../ui/error-panel.tsx';
import { formatNumber } from '../../ui/formats.ts';
import { lineStyle } from '../line-colours.ts';
import gridClasses from '../metric-grid.module.css';
import type { MetricRun } from '../metric-queries.ts';
import { HistogramView } from './histogram-view.tsx';
import { ImageView } from './image-view.tsx';
import { type Item, type ItemKind, itemsQuery } from './item-queries.ts';
import { itemAt, stepsOf } from './item-steps.ts';
import classes from './items.module.css';
import { TextView } from './text-view.tsx';

/** One name of one kind, of the runs that have it, at one step: the newest, which moves on by itself, until another is chosen. */
export function ItemTile({
  tenant,
  kind,
  name,
  runs,
  all,
}: {
  readonly tenant: string;
  readonly kind: ItemKind;
  readonly name: string;
  readonly runs: readonly MetricRun[];
  /** All that are looked at, in the order of their colours. */
  readonly all: readonly MetricRun[];
}) {
  const { t, i18n } = useTranslation('items');
  const client = useClient();
  const scheme = useComputedColorScheme('light');
  const answers = useQueries({ queries: runs.map(({ id }) => itemsQuery(client, tenant, id, kind, name)) });
  const lists = answers.map(({ data }) => data ?? NOTHING);
  const steps = stepsOf(lists);
  const [chosen, setChosen] = useState<number | null>(null);
  const newest = steps.length - 1;
  // Of a long series some are taken away while it grows: then the one before is shown.
  const index =
    chosen === null
      ? newest
      : Math.max(
          0,
          steps.findLastIndex((step) => step <= chosen),
        );
  const step = steps[index];
  return (
    <Paper withBorder className={gridClasses['tile'] ?? ''} component="section" aria-label={name}>
      <Group gap={6} wrap="nowrap" justify="space-between" className={gridClasses['tileHead'] ?? ''}>
        <Text size="sm" fw={600} truncate flex="1 1 auto" miw={0} title={name}>
          <bdi>{name}</bdi>
        </Text>
        {step !== undefined && (
          <Text size="xs" c="dimmed" flex="none">
            {t('step', { step: formatNumber(step, i18n.language) })}
          </Text>
        )}
      </Group>
      <Stack gap="xs" pb={6}>
        {runs.map((run, place) => {
          const answer = answers[place];
          const colour = lineStyle(
            Math.max(
              0,
              all.findIndex(({ id }) => id === run.id),
            ),
            scheme,
          ).colour;
          const items = lists[place] ?? NOTHING;
          return (
            <div key={run.id}>
              {all.length > 1 && (
                <Group gap={6} wrap="nowrap" fz="xs" mb={4}>
                  <span className={classes['swatch']} style={{ background: colour }} />
                  <Text size="xs" truncate title={run.title}>
                    {run.title}
                  </Text>
                </Group>
              )}
              {answer?.isPending === true && <Skeleton h={120} />}
              {answer !== undefined && answer.error !== null && answer.data === undefined && (
                <ErrorPanel error={answer.error} onRetry={() => void answer.refetch()} />
              )}
              {step !== undefined && items.length > 0 && (
                <View tenant={tenant} kind={kind} name={name} run={run.id} items={items} step={step} colour={colour} />
              )}
            </div>
          );
        })}
        {steps.length > 1 && (
          <Group gap="sm" wrap="nowrap" px={8}>
            <Slider
              flex={1}
              size="sm"
              min={0}
              max={newest}
              step={1}
              value={index}
              onChange={(place) => setChosen(place === newest ? null : (steps[place] ?? null))}
              label={(place) => formatNumber(steps[place] ?? 0, i18n.language)}
              thumbLabel={t('stepOf', { name })}
              thumbProps={{ 'aria-valuetext': t('step', { step: formatNumber(step ?? 0, i18n.language) }) }}
            />
            <Button size="compact-xs" variant="subtle" disabled={chosen === null} onClick={() => setChosen(null)} aria-label={`${t('toNewest')}: ${name}`}>
              {t('newest')}
            </Button>
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

const NOTHING: readonly Item[] = [];

interface ViewProps {
  readonly tenant: string;
  readonly kind: ItemKind;
  readonly name: string;
  readonly run: string;
  readonly items: readonly Item[];
  readonly step: number;
  readonly colour: string;
}

function View({ tenant, kind, name, run, items, step, colour }: ViewProps) {
  const { t } = useTranslation('items');
  const item = itemAt(items, step);
  if (kind === 'histogram') return <HistogramView name={name} items={items} item={item} colour={colour} />;
  if (item === null)
    return (
      <Text size="sm" c="dimmed">
        {t('notYet')}
      </Text>
    );
  return kind === 'image' ? <ImageView tenant={tenant} run={run} name={name} item={item} /> : <TextView tenant={tenant} run={run} name={name} item={item} />;
}

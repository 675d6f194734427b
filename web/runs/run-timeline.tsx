import { Badge, Code, Group, Paper, SimpleGrid, Skeleton, Stack, Text, Timeline, Title } from '@mantine/core';
import type { Run } from '@sodate/contract/run-routes.ts';
import type { Attempt } from '@sodate/contract/runs.ts';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { z } from 'zod';
import { useNow } from '../kit/clock.ts';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { Fact } from '../ui/fact.tsx';
import { formatDuration } from '../ui/formats.ts';
import { Duration, Moment } from '../ui/moment.tsx';
import { STATE_LOOKS } from '../ui/state-badge.tsx';
import { useSentences } from '../ui/use-sentences.ts';
import facts from '../ui/facts.module.css';
import { attemptsQuery, timelineQuery } from './run-queries.ts';
import { hasEnded } from './run-words.ts';

/** `sha256:` and as much as tells images apart. */
const DIGEST_SHOWN = 'sha256:'.length + 12;

/** When it changed state, how long each lasted, and the tries at it. */
export function RunTimeline({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t } = useTranslation();
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
      <section>
        <Title order={2} size="h4" mb="md">
          {t('timeline.states')}
        </Title>
        <States tenant={tenant} run={run} />
      </section>
      <section>
        <Title order={2} size="h4" mb="md">
          {t('timeline.attempts')}
        </Title>
        <Attempts tenant={tenant} run={run} />
      </section>
    </SimpleGrid>
  );
}

function States({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t, i18n } = useTranslation();
  const sentences = useSentences();
  const query = useQuery(timelineQuery(useClient(), tenant, run.id));
  const now = useNow(1_000, !hasEnded(run.state));
  if (query.data === undefined) return query.error === null ? <Skeleton h={200} /> : <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />;
  const entries = query.data.items;
  return (
    <Timeline bulletSize={24} lineWidth={2} active={entries.length - 1}>
      {entries.map((entry, index) => {
        const { color, icon: Icon } = STATE_LOOKS[entry.state];
        const next = entries[index + 1]?.at;
        const lasted = formatDuration((next === undefined ? now : Date.parse(next)) - Date.parse(entry.at), i18n.language);
        return (
          <Timeline.Item
            key={`${entry.at} ${entry.state}`}
            color={color}
            bullet={<Icon size={14} aria-hidden />}
            title={
              <Group gap={8} align="baseline">
                <span>{t(`state.${entry.state}`)}</span>
                {!hasEnded(entry.state) && (
                  <Text span size="sm" c="dimmed" fw={400}>
                    {t(next === undefined ? 'timeline.soFar' : 'timeline.lasted', { duration: lasted })}
                  </Text>
                )}
                {run.attempt > 1 && entry.attempt > 0 && (
                  <Badge size="xs" variant="default" tt="none">
                    {t('timeline.attemptNumber', { number: entry.attempt })}
                  </Badge>
                )}
              </Group>
            }
          >
            <Text size="xs" c="dimmed">
              <Moment at={entry.at} exact />
            </Text>
            {entry.note !== '' && <Text size="sm">{sentences.run(entry.words, entry.note)}</Text>}
          </Timeline.Item>
        );
      })}
    </Timeline>
  );
}

function Attempts({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t } = useTranslation();
  const query = useQuery(attemptsQuery(useClient(), tenant, run.id));
  if (query.data === undefined) return query.error === null ? <Skeleton h={120} /> : <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data.items.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('timeline.noAttempts')}
      </Text>
    );
  }
  return (
    <Stack gap="sm">
      {query.data.items.map((attempt) => (
        <AttemptCard key={attempt.number} attempt={attempt} />
      ))}
    </Stack>
  );
}

function AttemptCard({ attempt }: { readonly attempt: z.infer<typeof Attempt> }) {
  const { t } = useTranslation();
  const sentences = useSentences();
  return (
    <Paper withBorder p={0}>
      <Text fw={550} size="sm" px="md" pt="sm">
        {t('timeline.attemptNumber', { number: attempt.number })}
      </Text>
      <dl className={facts['facts']} style={{ border: 0, background: 'none' }}>
        <Fact label={t('run.node')}>{attempt.node}</Fact>
        <Fact label={t('timeline.executor')}>
          {attempt.executor}, {t(`timeline.isolation.${attempt.isolation}`)}
        </Fact>
        {attempt.imageDigest !== null && (
          <Fact label={t('timeline.imageDigest')}>
            <Code title={attempt.imageDigest}>{attempt.imageDigest.slice(0, DIGEST_SHOWN)}</Code>
          </Fact>
        )}
        <Fact label={t('timeline.placed')}>
          <Moment at={attempt.placedAt} exact />
        </Fact>
        {attempt.startedAt !== null && (
          <Fact label={t('run.duration')}>
            <Duration from={attempt.startedAt} to={attempt.endedAt} />
          </Fact>
        )}
        {attempt.exitCode !== null && <Fact label={t('run.exitCode')}>{attempt.exitCode}</Fact>}
        {attempt.signal !== null && <Fact label={t('run.signal')}>{attempt.signal}</Fact>}
      </dl>
      {attempt.failure !== null && (
        <Text size="sm" c="var(--sodate-red-text)" px="md" pb="sm">
          {t(`failure.${attempt.failure.class}`)}: {sentences.run(attempt.failure.words, attempt.failure.message)}
        </Text>
      )}
    </Paper>
  );
}

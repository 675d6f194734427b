import { Alert, Badge, Box, Group, List, Progress, Stack, Text, Title } from '@mantine/core';
import type { Run } from '@sodate/contract/run-routes.ts';
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Fact } from '../ui/fact.tsx';
import { Duration, Moment } from '../ui/moment.tsx';
import { StateBadge } from '../ui/state-badge.tsx';
import { RunActions } from './run-actions.tsx';
import facts from '../ui/facts.module.css';
import { useSentences } from '../ui/use-sentences.ts';
import classes from './run-header.module.css';
import { RunWaiting } from './run-waiting.tsx';
import { hasEnded, phaseWords, resourcesWords } from './run-words.ts';

export function RunHeader({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t, i18n } = useTranslation();
  const sentences = useSentences();
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-start" gap="sm">
        <Box miw={0} flex="1 1 240px">
          <Text size="sm" c="dimmed">
            {t(`kind.${run.kind}`)} {run.number} · {t('run.by', { name: run.createdBy.displayName })}
          </Text>
          <Title order={1} fz={{ base: 20, sm: 26 }} style={{ overflowWrap: 'anywhere' }}>
            {run.name}
          </Title>
          {(run.tags.length > 0 || run.memo !== '') && (
            <Group gap={6} mt={4}>
              {run.tags.map((tag) => (
                <Badge key={tag} variant="default" tt="none" radius="sm" fw={450} maw="100%">
                  {tag}
                </Badge>
              ))}
              {run.memo !== '' && (
                <Text size="sm" c="dimmed" style={{ whiteSpace: 'pre-wrap' }}>
                  {run.memo}
                </Text>
              )}
            </Group>
          )}
        </Box>
        <RunActions tenant={tenant} run={run} />
      </Group>

      <dl className={facts['facts']}>
        <div className={classes['state']}>
          <dt className={classes['hidden']}>{t('runs.state')}</dt>
          <dd>
            <StateBadge state={run.state} size="lg" />
            {run.phase !== null && !hasEnded(run.state) && (
              <Box mt={4}>
                <Text size="xs" c="dimmed">
                  {phaseWords(run.phase, t, i18n.language)}
                </Text>
                {run.phase.progress !== null && <Progress value={run.phase.progress * 100} size="xs" aria-label={phaseWords(run.phase, t, i18n.language)} />}
              </Box>
            )}
          </dd>
        </div>
        {run.outputValue !== null && (
          <Fact label={t('run.value')}>
            <Text span inherit ff="monospace" fw={600} lineClamp={2}>
              {run.outputValue}
            </Text>
          </Fact>
        )}
        {run.startedAt === null ? (
          <>
            <Fact label={t('run.created')}>
              <Moment at={run.createdAt} />
            </Fact>
            {!hasEnded(run.state) && (
              <Fact label={t('run.waitingFor')}>
                <Duration from={run.createdAt} to={null} />
              </Fact>
            )}
          </>
        ) : (
          <>
            <Fact label={t('run.started')}>
              <Moment at={run.startedAt} />
            </Fact>
            <Fact label={t('run.duration')}>
              <Duration from={run.startedAt} to={run.endedAt} />
            </Fact>
          </>
        )}
        {run.exitCode !== null && run.exitCode !== 0 && <Fact label={t('run.exitCode')}>{run.exitCode}</Fact>}
        {run.node !== null && <Fact label={t('run.node')}>{run.node}</Fact>}
        {run.attempt > 1 && <Fact label={t('run.attempt')}>{run.attempt}</Fact>}
        <Fact label={t('run.resources')}>{resourcesWords(run.resources, t, i18n.language)}</Fact>
      </dl>

      {run.state === 'queued' && <RunWaiting tenant={tenant} run={run} />}
      {run.failure !== null && (
        <Alert
          color={run.state === 'failed' ? 'red' : 'orange'}
          variant="light"
          icon={<IconAlertTriangle aria-hidden />}
          title={t(`failure.${run.failure.class}`)}
        >
          <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
            {sentences.run(run.failure.words, run.failure.message)}
          </Text>
          <Text size="sm" fw={550} mt={4}>
            {sentences.advice(run.failure)}
          </Text>
          <Text size="xs" mt={4}>
            {t(run.failure.fault === 'user' ? 'failure.faultUser' : 'failure.faultPlatform')}
          </Text>
        </Alert>
      )}
      {run.warnings.length > 0 && (
        <Alert color="yellow" variant="light" icon={<IconInfoCircle aria-hidden />} title={t('run.warnings')}>
          <List size="sm">
            {run.warnings.map((warning, index) => (
              <List.Item key={warning}>{sentences.run(run.warningWords[index] ?? null, warning)}</List.Item>
            ))}
          </List>
        </Alert>
      )}
    </Stack>
  );
}

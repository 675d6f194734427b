import { Anchor, Stack, Table, Text, Title } from '@mantine/core';
import type { Run } from '@sodate/contract/run-routes.ts';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyCode } from '../ui/copy-code.tsx';
import { Fact } from '../ui/fact.tsx';
import { formatBytes, formatDuration, formatNumber } from '../ui/formats.ts';
import { Moment } from '../ui/moment.tsx';
import classes from './run-header.module.css';
import { runReference } from './run-words.ts';

/** What was asked for, as it was resolved at submission. */
export function RunRequest({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t, i18n } = useTranslation();
  const { details } = run;
  const variables = Object.entries(run.environment);
  return (
    <Stack gap="xl">
      <Section title={t('request.command')}>
        <CopyCode text={commandText(run.command)} />
      </Section>
      {details.kind === 'tracked' && (
        <Section title={t('request.inputs')}>
          <dl className={classes['facts']}>
            <Fact label={t('request.experiment')}>
              {details.experiment.name} #{details.experiment.number}
            </Fact>
          </dl>
        </Section>
      )}
      {details.kind !== 'task' && details.kind !== 'tracked' && (
        <Section title={t('request.inputs')}>
          <dl className={classes['facts']}>
            <Fact label={t('request.dataset')}>
              <Anchor inherit component={Link} to={`/tenants/${tenant}/datasets/${details.dataset.number}`}>
                {details.dataset.name} #{details.dataset.number}
              </Anchor>
            </Fact>
            <Fact label={t('request.git')}>
              {details.git.endpoint.name}: {details.git.repository}
            </Fact>
            {details.git.revision !== null && details.git.revision !== details.git.commit && <Fact label={t('request.branch')}>{details.git.revision}</Fact>}
            <Fact label={t('request.commit')}>
              <Text span inherit ff="monospace">
                {details.git.commit}
              </Text>
            </Fact>
            {details.parents.length > 0 && (
              <Fact label={t('request.parents')}>
                <RunLinks tenant={tenant} runs={details.parents} />
              </Fact>
            )}
            {details.kind === 'inference' && details.parentInferences.length > 0 && (
              <Fact label={t('request.parentInferences')}>
                <RunLinks tenant={tenant} runs={details.parentInferences} />
              </Fact>
            )}
          </dl>
        </Section>
      )}
      {details.kind !== 'tracked' && (
        <Section title={t('request.what')}>
          <dl className={classes['facts']}>
            <Fact label={t('request.image')}>{run.image === 'host' ? t('request.host') : run.image}</Fact>
            <Fact label={t('request.cpu')}>{formatNumber(run.resources.cpu, i18n.language)}</Fact>
            <Fact label={t('request.memory')}>{formatBytes(run.resources.memory, i18n.language)}</Fact>
            <Fact label={t('request.gpus')}>{run.resources.gpus}</Fact>
            <Fact label={t('request.partition')}>{run.partition ?? t('request.anyPartition')}</Fact>
            <Fact label={t('request.timeLimit')}>
              {run.timeLimitSeconds === null ? t('request.noLimit') : formatDuration(run.timeLimitSeconds * 1000, i18n.language)}
            </Fact>
            <Fact label={t('request.priority')}>{run.priority}</Fact>
            <Fact label={t('run.created')}>
              <Moment at={run.createdAt} exact />
            </Fact>
          </dl>
        </Section>
      )}
      <Section title={t('request.environment')}>
        {variables.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t('request.noEnvironment')}
          </Text>
        ) : (
          <Table layout="fixed" withTableBorder verticalSpacing={6}>
            <Table.Tbody>
              {variables.map(([name, value]) => (
                <Table.Tr key={name}>
                  <Table.Th w="35%" ff="monospace" fz="sm" style={{ overflowWrap: 'anywhere', verticalAlign: 'top' }}>
                    {name}
                  </Table.Th>
                  <Table.Td ff="monospace" fz="sm" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
                    {value}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Section>
    </Stack>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section>
      <Title order={2} size="h5" mb={8}>
        {title}
      </Title>
      {children}
    </section>
  );
}

function RunLinks({
  tenant,
  runs,
}: {
  readonly tenant: string;
  readonly runs: readonly { readonly id: string; readonly kind: string; readonly number: number; readonly name: string }[];
}) {
  return runs.map((run) => (
    <div key={run.id}>
      <Anchor inherit component={Link} to={`/tenants/${tenant}/runs/${runReference(run)}`}>
        {run.name} ({runReference(run)})
      </Anchor>
    </div>
  ));
}

/** A list of words as a shell would take it; a script as it is. */
function commandText(command: Run['command']): string {
  if (typeof command === 'string') return command;
  return command.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}

import { Anchor, Box, Button, Group, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import type { RunState, RunSummary } from '@sodate/contract/runs.ts';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { IconSeedling } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { useClient } from '../kit/platform.tsx';
import { nodesQuery } from '../nodes/node-queries.ts';
import { NodeUsage } from '../nodes/node-usage.tsx';
import { RunLines } from '../runs/run-lines.tsx';
import { waitingQuery } from '../runs/run-queries.ts';
import { waitingWords } from '../runs/run-words.ts';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { EmptyNote } from '../ui/empty-note.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { PageHead } from '../ui/page-head.tsx';
import { Panel } from '../ui/panel.tsx';
import { useSentences } from '../ui/use-sentences.ts';
import { homeRunsQuery } from './home-queries.ts';

const route = getRouteApi('/signed-in/tenants/$tenant/');
/** Why they wait is asked for so many; each is a request of its own. */
const REASONS_SHOWN = 4;

/** What somebody wants to know in the morning: what runs, what waits and why, what failed, what is free. */
export function HomePage() {
  const { tenant } = route.useParams();
  const { t, i18n } = useTranslation();
  const sentences = useSentences();
  const client = useClient();
  const me = useMe();
  const held = useQuery(homeRunsQuery(client, tenant, 'held', ''));
  const queued = useQuery(homeRunsQuery(client, tenant, 'queued', ''));
  const failed = useQuery(homeRunsQuery(client, tenant, 'failed', ''));
  const mine = useQuery(homeRunsQuery(client, tenant, 'mine', me.name));
  usePageTitle(t('home.title'), tenant);

  const amount = (page: { total: { count: number; exact: boolean } } | undefined): string => {
    if (page === undefined) return '…';
    const count = formatNumber(page.total.count, i18n.language);
    return page.total.exact ? count : t('runs.atLeast', { total: count });
  };
  const error = held.error ?? queued.error;
  const nothingYet = useQuery(homeRunsQuery(client, tenant, 'any', '')).data?.items.length === 0;
  return (
    <Stack gap="md">
      <PageHead title={t('home.title')}>
        {mayWork(me, tenant) && (
          <>
            <Button variant="default" renderRoot={(props) => <Link {...props} to="/tenants/$tenant/data" params={{ tenant }} search={{ upload: true }} />}>
              {t('home.upload')}
            </Button>
            <Button component={Link} to={`/tenants/${tenant}/runs/new/training`}>
              {t('home.startTraining')}
            </Button>
          </>
        )}
      </PageHead>
      {nothingYet && <EmptyNote icon={<IconSeedling size={44} stroke={1.3} />} title={t('home.welcomeTitle')} text={t('home.welcomeText')} />}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md" style={{ alignItems: 'start' }}>
        <Stack gap="md">
          <Panel
            title={t('home.now')}
            aside={
              <Group gap="md">
                <RunsLink tenant={tenant} state={['starting', 'running', 'stopping', 'finishing']}>
                  {t('home.runningCount', { amount: amount(held.data) })}
                </RunsLink>
                <RunsLink tenant={tenant} state={['queued']}>
                  {t('home.waitingCount', { amount: amount(queued.data) })}
                </RunsLink>
              </Group>
            }
          >
            {error !== null && <ErrorPanel error={error} />}
            {held.isPending && <Skeleton h={80} m="md" w="auto" />}
            {held.data?.items.length === 0 && queued.data?.items.length === 0 && <Quiet>{t('home.nothingNow')}</Quiet>}
            <RunLines tenant={tenant} runs={held.data?.items ?? []} />
            {(held.data?.items.length ?? 0) > 0 && (queued.data?.items.length ?? 0) > 0 && <Box style={{ borderTop: '1px solid var(--sodate-line)' }} />}
            <RunLines
              tenant={tenant}
              runs={queued.data?.items ?? []}
              note={(run, index) => (index < REASONS_SHOWN ? <WhyWaiting tenant={tenant} run={run} /> : null)}
            />
          </Panel>
          <Panel title={t('home.mine')}>
            <Runs query={mine} tenant={tenant} none={t('home.noneMine')} />
          </Panel>
        </Stack>
        <Stack gap="md">
          <Machines tenant={tenant} />
          <Panel
            title={t('home.failed')}
            aside={
              <RunsLink tenant={tenant} state={['failed']}>
                {t('home.all')}
              </RunsLink>
            }
          >
            <Runs
              query={failed}
              tenant={tenant}
              none={t('home.noneFailed')}
              note={(run) =>
                run.failure !== null && (
                  <Text size="xs" c="var(--sodate-red-text)" lineClamp={2} title={sentences.run(run.failure.words, run.failure.message)}>
                    {t(`failure.${run.failure.class}`)}: {sentences.run(run.failure.words, run.failure.message)}
                  </Text>
                )
              }
            />
          </Panel>
        </Stack>
      </SimpleGrid>
    </Stack>
  );
}

function Runs({
  query,
  tenant,
  none,
  note,
}: {
  readonly query: { readonly data: { readonly items: readonly RunSummary[] } | undefined; readonly error: unknown; refetch(): unknown };
  readonly tenant: string;
  readonly none: string;
  readonly note?: (run: RunSummary) => ReactNode;
}) {
  if (query.error !== null) return <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Skeleton h={80} m="md" w="auto" />;
  if (query.data.items.length === 0) return <Quiet>{none}</Quiet>;
  return <RunLines tenant={tenant} runs={query.data.items} {...(note === undefined ? {} : { note })} />;
}

function Machines({ tenant }: { readonly tenant: string }) {
  const { t } = useTranslation();
  const nodes = useQuery(nodesQuery(useClient(), tenant));
  return (
    <Panel title={t('home.machines')}>
      {nodes.error !== null && <ErrorPanel error={nodes.error} onRetry={() => void nodes.refetch()} />}
      {nodes.isPending && <Skeleton h={80} m="md" w="auto" />}
      {nodes.data?.items.length === 0 && <Quiet>{t('home.noMachines')}</Quiet>}
      <Stack gap="lg" p={nodes.data === undefined || nodes.data.items.length === 0 ? 0 : 'md'}>
        {nodes.data?.items.map((node) => (
          <NodeUsage key={node.id} node={node} />
        ))}
      </Stack>
    </Panel>
  );
}

function WhyWaiting({ tenant, run }: { readonly tenant: string; readonly run: RunSummary }) {
  const { t, i18n } = useTranslation();
  const waiting = useQuery(waitingQuery(useClient(), tenant, run.id)).data?.waiting ?? null;
  if (waiting === null) return null;
  return (
    <Text size="xs" lineClamp={2} title={waitingWords(waiting, run, t, i18n.language) ?? undefined}>
      {t(`waiting.${waiting.reason}`)}
    </Text>
  );
}

function RunsLink({ tenant, state, children }: { readonly tenant: string; readonly state: readonly RunState[]; readonly children: ReactNode }) {
  return (
    <Anchor size="sm" renderRoot={(props) => <Link {...props} to="/tenants/$tenant/runs" params={{ tenant }} search={{ state }} />}>
      {children}
    </Anchor>
  );
}

function Quiet({ children }: { readonly children: ReactNode }) {
  return (
    <Text size="sm" c="dimmed" p="md">
      {children}
    </Text>
  );
}

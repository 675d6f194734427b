import { Skeleton, Stack, Tabs } from '@mantine/core';
import type { Run } from '@sodate/contract/run-routes.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { IconChartLine, IconFolder, IconHistory, IconListDetails, IconPaperclip, IconSitemap, IconTerminal2 } from '@tabler/icons-react';
import { Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { usePageTitle } from '../kit/page-title.ts';
import { useClient } from '../kit/platform.tsx';
import type { MetricView } from '../metrics/compare-search.ts';
import { ErrorPanel } from '../ui/error-panel.tsx';
import classes from './run-page.module.css';
import { RunHeader } from './run-header.tsx';
import { RunLog } from './run-log.tsx';
import { RUN_TABS, type RunTab } from './run-page-search.ts';
import { runIdQuery, runQuery } from './run-queries.ts';
import { runReference } from './run-words.ts';

const RunTimeline = lazyPart(
  () => import('./run-timeline.tsx'),
  (part) => part.RunTimeline,
);
const RunRequest = lazyPart(
  () => import('./run-request.tsx'),
  (part) => part.RunRequest,
);
const Lineage = lazyPart(
  () => import('../lineage/lineage.tsx'),
  (part) => part.Lineage,
);
const RunOutputs = lazyPart(
  () => import('./outputs/run-outputs.tsx'),
  (part) => part.RunOutputs,
);
const RunAttachments = lazyPart(
  () => import('./run-attachments.tsx'),
  (part) => part.RunAttachments,
);
const Metrics = lazyPart(
  () => import('../metrics/metrics.tsx'),
  (part) => part.Metrics,
);

const route = getRouteApi('/signed-in/tenants/$tenant/runs/$run');

const TAB_ICONS = {
  log: IconTerminal2,
  metrics: IconChartLine,
  outputs: IconFolder,
  attachments: IconPaperclip,
  timeline: IconHistory,
  request: IconListDetails,
  ancestry: IconSitemap,
} as const;

/** One run, live: what it does, what it wrote, why it waits or failed, where it came from. */
export function RunPage() {
  const { tenant, run: reference } = route.useParams();
  const client = useClient();
  const id = useQuery(runIdQuery(client, tenant, reference));
  const run = useQuery({ ...runQuery(client, tenant, id.data ?? ''), enabled: id.data !== undefined });

  if (run.data !== undefined && id.data !== undefined) {
    // What was shown stays in view when a refresh fails: the connection's state is told elsewhere, a deletion here.
    const failed = isSodateError(run.error) && run.error.code !== 'not-signed-in' ? run.error : null;
    return (
      <Stack gap="md">
        {failed !== null && <ErrorPanel error={failed} onRetry={() => void run.refetch()} />}
        <RunView key={id.data} tenant={tenant} reference={reference} run={run.data} />
      </Stack>
    );
  }
  const error = id.error ?? run.error;
  if (error !== null) return <ErrorPanel error={error} onRetry={() => void (id.error === null ? run.refetch() : id.refetch())} />;
  return (
    <Stack gap="md" aria-busy>
      <Skeleton h={34} w="50%" />
      <Skeleton h={72} />
      <Skeleton h={420} />
    </Stack>
  );
}

function RunView({ tenant, reference, run }: { readonly tenant: string; readonly reference: string; readonly run: Run }) {
  const { t } = useTranslation();
  const { tab = 'log' } = route.useSearch();
  const navigate = route.useNavigate();
  const [metricView, setMetricView] = useState<MetricView>('charts');
  const metricRuns = useMemo(() => [run.id], [run.id]);
  const canonical = runReference(run);
  usePageTitle(run.name, canonical, tenant);
  useEffect(() => {
    // An address with an id is made one that people can read.
    if (reference !== canonical) void navigate({ to: '.', params: { tenant, run: canonical }, search: (search) => search, replace: true });
  }, [reference, canonical, tenant, navigate]);

  // On a narrow screen they scroll: whoever comes by an address sees which one is open.
  const tabs = useRef<HTMLDivElement>(null);
  useEffect(() => {
    tabs.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [tab]);

  const choose = (value: string | null): void => {
    const chosen: RunTab = RUN_TABS.find((one) => one === value) ?? 'log';
    void navigate({ search: { tab: chosen === 'log' ? undefined : chosen }, replace: true });
  };
  return (
    <Stack gap="md">
      <RunHeader tenant={tenant} run={run} />
      <Tabs value={tab} onChange={choose} keepMounted={false}>
        <Tabs.List ref={tabs} className={classes['tabs'] ?? ''} mb="md">
          {RUN_TABS.map((one) => {
            const Icon = TAB_ICONS[one];
            return (
              <Tabs.Tab key={one} value={one} className={classes['tab'] ?? ''} leftSection={<Icon size={16} aria-hidden className={classes['icon']} />}>
                {t(`run.${one}`)}
              </Tabs.Tab>
            );
          })}
        </Tabs.List>
        <Suspense fallback={<Skeleton h={420} />}>
          <Tabs.Panel value="log">
            <RunLog tenant={tenant} run={run} />
          </Tabs.Panel>
          <Tabs.Panel value="metrics">
            <Metrics tenant={tenant} runs={metricRuns} view={metricView} onView={setMetricView} />
          </Tabs.Panel>
          <Tabs.Panel value="outputs">
            <RunOutputs tenant={tenant} run={run} />
          </Tabs.Panel>
          <Tabs.Panel value="attachments">
            <RunAttachments tenant={tenant} run={run} />
          </Tabs.Panel>
          <Tabs.Panel value="timeline">
            <RunTimeline tenant={tenant} run={run} />
          </Tabs.Panel>
          <Tabs.Panel value="request">
            <RunRequest tenant={tenant} run={run} />
          </Tabs.Panel>
          <Tabs.Panel value="ancestry">
            <Lineage tenant={tenant} root={{ kind: 'run', id: run.id, label: `${runReference(run)} ${run.name}` }} />
          </Tabs.Panel>
        </Suspense>
      </Tabs>
    </Stack>
  );
}

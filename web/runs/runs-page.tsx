import { ActionIcon, Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { RunState } from '@sodate/contract/runs.ts';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { IconChevronLeft, IconChevronRight, IconFilterOff, IconSeedling } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { useClient } from '../kit/platform.tsx';
import { CopyCode } from '../ui/copy-code.tsx';
import { EmptyNote } from '../ui/empty-note.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { RUNS_PER_PAGE, runsQuery } from './run-queries.ts';
import { RunsFilters } from './runs-filters.tsx';
import { RunsTable } from './runs-table.tsx';

const route = getRouteApi('/signed-in/tenants/$tenant/runs');

/** Every run of a tenant, newest first, kept true while one looks at it. */
export function RunsPage() {
  const { tenant } = route.useParams();
  const filter = route.useSearch();
  // Another filter is another list: it begins at its first page.
  return <RunsList key={`${tenant} ${JSON.stringify(filter)}`} tenant={tenant} />;
}

function RunsList({ tenant }: { readonly tenant: string }) {
  const { t, i18n } = useTranslation();
  const client = useClient();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  /** The cursors of the pages gone through; the last one is shown. */
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const runs = useQuery(runsQuery(client, tenant, filter, cursors.at(-1)));
  const title = filter.kind === undefined ? t('runs.title') : t(`kinds.${filter.kind}`);
  usePageTitle(title, tenant);

  const filtered = filter.state !== undefined || filter.text !== undefined;
  const before = cursors.length * RUNS_PER_PAGE;
  const page = runs.data;
  return (
    <Stack gap="md">
      <Group justify="space-between" align="baseline">
        <Title order={1} size="h2">
          {title}
        </Title>
        {page !== undefined && page.items.length > 0 && (
          <Text size="sm" c="dimmed" aria-live="polite">
            {t('runs.total', {
              from: formatNumber(before + 1, i18n.language),
              to: formatNumber(before + page.items.length, i18n.language),
              total: page.total.exact
                ? formatNumber(page.total.count, i18n.language)
                : t('runs.atLeast', { total: formatNumber(page.total.count, i18n.language) }),
            })}
          </Text>
        )}
      </Group>
      <RunsFilters filter={filter} onChange={(next) => void navigate({ search: next, replace: true })} />
      {runs.error !== null && <ErrorPanel error={runs.error} onRetry={() => void runs.refetch()} />}
      {runs.isPending && (
        <Stack gap={8} aria-busy>
          {RunState.options.map((state) => (
            <Skeleton key={state} h={44} />
          ))}
        </Stack>
      )}
      {page !== undefined && page.items.length > 0 && <RunsTable tenant={tenant} runs={page.items} />}
      {page !== undefined && page.items.length === 0 && filtered && (
        <EmptyNote icon={<IconFilterOff size={40} stroke={1.3} />} title={t('runs.nothingTitle')} text={t('runs.nothingText')}>
          <Button variant="default" size="xs" onClick={() => void navigate({ search: { kind: filter.kind } })}>
            {t('runs.clear')}
          </Button>
        </EmptyNote>
      )}
      {page !== undefined && page.items.length === 0 && !filtered && (
        <EmptyNote icon={<IconSeedling size={44} stroke={1.3} />} title={t('runs.emptyTitle')} text={t('runs.emptyText')}>
          <CopyCode text="./sodate task run --follow -- echo hello" />
        </EmptyNote>
      )}
      {(cursors.length > 0 || (page !== undefined && page.nextCursor !== null)) && (
        <Group justify="flex-end" gap={6}>
          <ActionIcon
            variant="default"
            size="lg"
            disabled={cursors.length === 0}
            onClick={() => setCursors(cursors.slice(0, -1))}
            aria-label={t('runs.previous')}
          >
            <IconChevronLeft size={18} />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size="lg"
            disabled={page === undefined || page.nextCursor === null || runs.isPlaceholderData}
            onClick={() => page?.nextCursor != null && setCursors([...cursors, page.nextCursor])}
            aria-label={t('runs.next')}
          >
            <IconChevronRight size={18} />
          </ActionIcon>
        </Group>
      )}
    </Stack>
  );
}

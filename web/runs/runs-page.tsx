import { ActionIcon, Button, Group, Skeleton, Stack } from '@mantine/core';
import { updateRun } from '@sodate/contract/run-routes.ts';
import { RunState, type RunSummary } from '@sodate/contract/runs.ts';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { IconChevronLeft, IconChevronRight, IconFilterOff, IconSeedling } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { usePlatform } from '../kit/platform.tsx';
import { MetricColumnsField } from '../metrics/metric-columns-field.tsx';
import { useMetricColumns, useMetricValues } from '../metrics/metric-columns.ts';
import { useMetricNames } from '../metrics/metric-names.ts';
import { isAboutSearch } from '../search/is-about-search.ts';
import { SmartSearch } from '../search/smart-search.tsx';
import { joinConditions, writeCondition } from '../search/write-search.ts';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { EmptyNote } from '../ui/empty-note.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { PageHead } from '../ui/page-head.tsx';
import { NewRun } from './new-run.tsx';
import { RUNS_PER_PAGE, type RunsFilter, runsQuery } from './run-queries.ts';
import { RunsFilters } from './runs-filters.tsx';
import { RunsColumns, useRunsColumns } from './runs-columns.tsx';
import { readColumns, writeColumns } from './saved-columns.ts';
import { RunsSelection } from './runs-selection.tsx';
import { RunsTable } from './runs-table.tsx';

const route = getRouteApi('/signed-in/tenants/$tenant/runs');

/** Every run of a tenant, newest first, kept true while one looks at it. */
export function RunsPage() {
  const { tenant } = route.useParams();
  return <RunsList key={tenant} tenant={tenant} />;
}

function RunsList({ tenant }: { readonly tenant: string }) {
  const { t, i18n } = useTranslation();
  const { client, queries } = usePlatform();
  const me = useMe();
  const may = mayWork(me, tenant);
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  /** The cursors of the pages gone through; the last one is shown. */
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const filterNow = JSON.stringify(filter);
  const [filterSeen, setFilterSeen] = useState(filterNow);
  if (filterSeen !== filterNow) {
    // Another filter is another list: it begins at its first page. The field in which it is being typed stays.
    setFilterSeen(filterNow);
    setCursors([]);
    setSelected(new Set());
  }
  const [columns, setColumns] = useRunsColumns();
  const [metrics, setMetrics] = useMetricColumns();
  const favour = useMutation({
    mutationFn: ({ id, favourite }: RunSummary) => client.call(updateRun, { params: { tenant, run: id }, body: { favourite: !favourite } }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: [tenant, 'run'] }),
  });
  const runs = useQuery(runsQuery(client, tenant, filter, cursors.at(-1)));
  const shownIds = (runs.data?.items ?? []).map(({ id }) => id);
  const [searching, setSearching] = useState(false);
  const names = useMetricNames(tenant, shownIds, searching);
  const metricValue = useMetricValues(tenant, shownIds, metrics);
  const title = filter.kind === undefined ? t('runs.title') : t(`kinds.${filter.kind}`);
  usePageTitle(title, tenant);

  const { kind, sort, ...conditions } = filter;
  const filtered = Object.values(conditions).some((condition) => condition !== undefined);
  const before = cursors.length * RUNS_PER_PAGE;
  const page = runs.data;
  const tags = [...new Set((page?.items ?? []).flatMap((run) => run.tags))].sort();
  const show = (next: RunsFilter): void => void navigate({ search: next, replace: true });
  return (
    <Stack gap="md">
      <PageHead
        title={title}
        note={
          page !== undefined &&
          page.items.length > 0 &&
          t('runs.total', {
            from: formatNumber(before + 1, i18n.language),
            to: formatNumber(before + page.items.length, i18n.language),
            total: page.total.exact
              ? formatNumber(page.total.count, i18n.language)
              : t('runs.atLeast', { total: formatNumber(page.total.count, i18n.language) }),
          })
        }
      >
        <RunsColumns columns={columns} onChange={setColumns}>
          <MetricColumnsField tenant={tenant} runs={shownIds} metrics={metrics} onChange={setMetrics} />
        </RunsColumns>
        {may && <NewRun tenant={tenant} kind={kind} />}
      </PageHead>
      <SmartSearch
        tenant={tenant}
        thing="run"
        asked={{ search: filter.search, sort }}
        saved={{ search: asOneSearch(filter), sort, columns: writeColumns({ columns, metrics }) }}
        tags={tags}
        names={names}
        onOpen={() => setSearching(true)}
        error={runs.error}
        onAsk={({ columns: kept, ...asked }, from) => {
          const shown = from === 'saved' ? readColumns(kept ?? []) : null;
          if (shown !== null) {
            setColumns(shown.columns);
            setMetrics(shown.metrics);
          }
          show(from === 'saved' ? asked : { ...filter, ...asked });
        }}
      />
      <RunsFilters filter={filter} known={tags} me={me.name} onChange={show} />
      <RunsSelection tenant={tenant} runs={(page?.items ?? []).filter(({ id }) => selected.has(id))} onClear={() => setSelected(new Set())} />
      {favour.error !== null && <ErrorPanel error={favour.error} />}
      {runs.error !== null && !isAboutSearch(runs.error) && <ErrorPanel error={runs.error} onRetry={() => void runs.refetch()} />}
      {runs.isPending && (
        <Stack gap={8} aria-busy>
          {RunState.options.map((state) => (
            <Skeleton key={state} h={44} />
          ))}
        </Stack>
      )}
      {page !== undefined && page.items.length > 0 && (
        <RunsTable
          tenant={tenant}
          runs={page.items}
          columns={columns}
          metrics={metrics}
          metricValue={metricValue}
          selected={selected}
          onSelect={setSelected}
          sort={sort}
          onSort={(next) => show({ ...filter, sort: next })}
          onFavourite={may ? (run) => favour.mutate(run) : null}
        />
      )}
      {page !== undefined && page.items.length === 0 && filtered && (
        <EmptyNote icon={<IconFilterOff size={40} stroke={1.3} />} title={t('runs.nothingTitle')} text={t('runs.nothingText')}>
          <Button variant="default" size="xs" onClick={() => void navigate({ search: { kind, sort } })}>
            {t('runs.clear')}
          </Button>
        </EmptyNote>
      )}
      {page !== undefined && page.items.length === 0 && !filtered && (
        <EmptyNote icon={<IconSeedling size={44} stroke={1.3} />} title={t('runs.emptyTitle')} text={t('runs.emptyText')}>
          {may && <NewRun tenant={tenant} kind={kind} />}
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

/** All that narrows the list, as the one search that finds the same. */
function asOneSearch({ search, kind, state, tag, createdBy, favourite }: RunsFilter): string | undefined {
  const whole = joinConditions([
    search,
    writeCondition('kind', kind === undefined ? [] : [kind]),
    writeCondition('state', state ?? []),
    // Every tag must be there, which several values of one condition would not ask for.
    ...(tag ?? []).map((one) => writeCondition('tag', [one])),
    writeCondition('creator', createdBy === undefined ? [] : [createdBy]),
    writeCondition('favourite', favourite === true ? ['yes'] : []),
  ]);
  return whole === '' ? undefined : whole;
}

import { Badge, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import type { Dataset } from '@sodate/contract/datasets.ts';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { IconDatabase, IconFilterOff, IconLock, IconPlus } from '@tabler/icons-react';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { useClient } from '../kit/platform.tsx';
import { isAboutSearch } from '../search/is-about-search.ts';
import { SmartSearch } from '../search/smart-search.tsx';
import { SortHeader } from '../search/sort-header.tsx';
import { isSorted } from '../search/sort-order.ts';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { EmptyNote } from '../ui/empty-note.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { Moment } from '../ui/moment.tsx';
import { PageHead } from '../ui/page-head.tsx';
import type { SearchAsked } from '../search/saved-searches.tsx';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import rows from '../ui/rows.module.css';
import classes from './dataset-list-page.module.css';
import { datasetListQuery } from './dataset-queries.ts';

const route = getRouteApi('/signed-in/tenants/$tenant/datasets');
const ROW_PX = 62;

/** The data sets of a tenant, newest first. */
export function DatasetListPage() {
  const { tenant } = route.useParams();
  const asked = route.useSearch();
  const { t, i18n } = useTranslation();
  const navigate = route.useNavigate();
  const me = useMe();
  const list = useInfiniteQuery(datasetListQuery(useClient(), tenant, asked));
  usePageTitle(t('nav.datasets'), tenant);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const total = list.data?.pages[0]?.total;
  const ask = (next: SearchAsked): void => void navigate({ search: next, replace: true });
  const onSort = (sort: string | undefined): void => ask({ ...asked, sort });
  const create = mayWork(me, tenant) && (
    <Button component={Link} to={`/tenants/${tenant}/datasets/new`} leftSection={<IconPlus size={16} aria-hidden />}>
      {t('datasets.new')}
    </Button>
  );
  return (
    <Stack gap="md">
      <PageHead
        title={t('nav.datasets')}
        note={
          total !== undefined &&
          (total.exact ? formatNumber(total.count, i18n.language) : t('runs.atLeast', { total: formatNumber(total.count, i18n.language) }))
        }
      >
        {create}
      </PageHead>
      <SmartSearch
        tenant={tenant}
        thing="dataset"
        asked={asked}
        saved={asked}
        tags={[]}
        error={list.error}
        onAsk={({ search, sort }) => ask({ search, sort })}
      />
      {list.error !== null && !isAboutSearch(list.error) && <ErrorPanel error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <Skeleton h={320} />}
      {items.length > 0 && (
        <div className={rows['frame']} role="table" aria-label={t('nav.datasets')}>
          <div role="rowgroup">
            <div role="row" className={`${classes['row']} ${rows['head']} ${classes['head']}`}>
              <span role="columnheader" aria-sort={isSorted(asked.sort, 'name')}>
                <SortHeader column="name" sort={asked.sort} onSort={onSort}>
                  {t('data.name')}
                </SortHeader>
              </span>
              <span role="columnheader" aria-label={t('runs.state')} />
              <span role="columnheader" className={classes['number']} aria-sort={isSorted(asked.sort, 'entries')}>
                <SortHeader column="entries" descendingFirst sort={asked.sort} onSort={onSort}>
                  {t('nav.data')}
                </SortHeader>
              </span>
              <span role="columnheader" className={classes['wide']} aria-sort={isSorted(asked.sort, 'created')}>
                <SortHeader column="created" descendingFirst sort={asked.sort} onSort={onSort}>
                  {t('data.created')}
                </SortHeader>
              </span>
            </div>
          </div>
          <VirtualRows
            count={items.length}
            estimate={ROW_PX}
            keyOf={(index) => items[index]?.id ?? String(index)}
            onEnd={onEnd}
            row={(index) => {
              const one = items[index];
              return one === undefined ? null : <Row tenant={tenant} dataset={one} />;
            }}
          />
        </div>
      )}
      {list.isSuccess && items.length === 0 && asked.search !== undefined && (
        <EmptyNote icon={<IconFilterOff size={40} stroke={1.3} />} title={t('runs.nothingTitle')} text={t('datasets.nothingText')} />
      )}
      {list.isSuccess && items.length === 0 && asked.search === undefined && (
        <EmptyNote icon={<IconDatabase size={44} stroke={1.3} />} title={t('datasets.emptyTitle')} text={t('datasets.emptyText')}>
          {create}
        </EmptyNote>
      )}
    </Stack>
  );
}

function Row({ tenant, dataset }: { readonly tenant: string; readonly dataset: Dataset }) {
  const { t, i18n } = useTranslation();
  return (
    <div role="row" className={classes['row']}>
      <span role="cell" className={classes['main']}>
        <Link
          className={`${rows['link']} ${classes['link']}`}
          to="/tenants/$tenant/datasets/$dataset"
          params={{ tenant, dataset: String(dataset.number) }}
          title={dataset.name}
        >
          {dataset.name}
        </Link>
        <Text size="xs" c="dimmed" component="span" display="block" truncate>
          #{dataset.number}
          <span className={classes['narrow']}>
            {' · '}
            <Moment at={dataset.createdAt} />
          </span>
          {dataset.memo !== '' && ` · ${dataset.memo}`}
        </Text>
      </span>
      <span role="cell">
        <Group gap={6} justify="flex-end">
          {dataset.flat && (
            <Badge variant="default" tt="none" radius="sm" size="sm" fw={450}>
              {t('datasets.flat')}
            </Badge>
          )}
          {dataset.locked && (
            <Badge variant="light" color="gray" tt="none" radius="sm" size="sm" leftSection={<IconLock size={12} aria-hidden />}>
              {t('datasets.locked')}
            </Badge>
          )}
        </Group>
      </span>
      <Text size="sm" component="span" role="cell" className={classes['number'] ?? ''}>
        {formatNumber(dataset.entryCount, i18n.language)}
      </Text>
      <span role="cell" className={classes['wide']}>
        <Text size="sm" component="span" display="block" truncate>
          <Moment at={dataset.createdAt} />
        </Text>
        <Text size="xs" c="dimmed" component="span" display="block" truncate>
          {dataset.createdBy.displayName}
        </Text>
      </span>
    </div>
  );
}

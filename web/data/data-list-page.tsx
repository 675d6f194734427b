import { Button, Skeleton, Stack, Text } from '@mantine/core';
import type { Data } from '@sodate/contract/data.ts';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { IconFilterOff, IconStack2, IconUpload } from '@tabler/icons-react';
import { Suspense, useCallback, useState } from 'react';
import { useDropzone } from 'react-dropzone';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { usePageTitle } from '../kit/page-title.ts';
import { useClient } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { EmptyNote } from '../ui/empty-note.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { PageHead } from '../ui/page-head.tsx';
import { isAboutSearch } from '../search/is-about-search.ts';
import { SmartSearch } from '../search/smart-search.tsx';
import { joinConditions, writeCondition } from '../search/write-search.ts';
import { dataListQuery } from './data-queries.ts';
import type { DataListSearch } from './data-search.ts';
import { DataTable } from './data-table.tsx';
import { type ChosenFile, chosen } from './group-files.ts';
import classes from './data-list-page.module.css';

const route = getRouteApi('/signed-in/tenants/$tenant/data');
/** As the first load would be too large with it: the list is there before. */
const DataFilters = lazyPart(
  () => import('./data-filters.tsx'),
  (part) => part.DataFilters,
);
const DataSelection = lazyPart(
  () => import('./data-selection.tsx'),
  (part) => part.DataSelection,
);
const UploadDialog = lazyPart(
  () => import('./upload-dialog.tsx'),
  (part) => part.UploadDialog,
);

/** Everything a tenant keeps, newest first. Files dropped anywhere on the page begin an upload. */
export function DataListPage() {
  const { tenant } = route.useParams();
  const { upload, ...filter } = route.useSearch();
  const { t, i18n } = useTranslation();
  const client = useClient();
  const me = useMe();
  const navigate = route.useNavigate();
  const list = useInfiniteQuery(dataListQuery(client, tenant, filter));
  const [selected, setSelected] = useState<ReadonlyMap<string, Data>>(new Map());
  const [dropped, setDropped] = useState<readonly ChosenFile[]>([]);
  const may = mayWork(me, tenant);
  usePageTitle(t('nav.data'), tenant);

  const search = (next: DataListSearch): void => void navigate({ search: next, replace: true });
  const drop = useDropzone({
    noClick: true,
    noKeyboard: true,
    disabled: !may || upload === true,
    onDrop: (files) => {
      setDropped(files.map(chosen));
      search({ ...filter, upload: true });
    },
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);

  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const tags = [...new Set(items.flatMap((one) => one.tags))].sort();
  const total = list.data?.pages[0]?.total;
  const filtered = filter.search !== undefined || filter.tag !== undefined || filter.createdBy !== undefined;
  const uploadButton = may && (
    <Button leftSection={<IconUpload size={16} aria-hidden />} onClick={() => search({ ...filter, upload: true })}>
      {t('upload.title')}
    </Button>
  );
  return (
    <div {...drop.getRootProps({ role: 'presentation', tabIndex: undefined })} className={classes['page']} data-over={drop.isDragActive || undefined}>
      <Stack gap="md">
        <PageHead
          title={t('nav.data')}
          note={
            total !== undefined &&
            (total.exact ? formatNumber(total.count, i18n.language) : t('runs.atLeast', { total: formatNumber(total.count, i18n.language) }))
          }
        >
          {uploadButton}
        </PageHead>
        <SmartSearch
          tenant={tenant}
          thing="data"
          asked={{ search: filter.search, sort: filter.sort }}
          saved={{ search: asOneSearch(filter), sort: filter.sort }}
          tags={tags}
          error={list.error}
          onAsk={({ search: words, sort }, from) => search(from === 'saved' ? { search: words, sort } : { ...filter, search: words, sort })}
        />
        <Suspense fallback={<Skeleton h={36} maw={360} />}>
          <DataFilters filter={filter} known={tags} me={me.name} onChange={search} />
        </Suspense>
        {selected.size > 0 && (
          <Suspense fallback={null}>
            <DataSelection tenant={tenant} selected={selected} onClear={() => setSelected(new Map())} may={may} />
          </Suspense>
        )}
        {list.error !== null && !isAboutSearch(list.error) && <ErrorPanel error={list.error} onRetry={() => void list.refetch()} />}
        {list.isPending && <Skeleton h={320} />}
        {items.length > 0 && (
          <DataTable
            tenant={tenant}
            data={items}
            selected={selected}
            onSelect={setSelected}
            onEnd={onEnd}
            loadingMore={isFetchingNextPage}
            sort={filter.sort}
            onSort={(sort) => search({ ...filter, sort })}
          />
        )}
        {list.isSuccess && items.length === 0 && filtered && (
          <EmptyNote icon={<IconFilterOff size={40} stroke={1.3} />} title={t('runs.nothingTitle')} text={t('data.nothingText')}>
            <Button variant="default" size="xs" onClick={() => search({ sort: filter.sort })}>
              {t('runs.clear')}
            </Button>
          </EmptyNote>
        )}
        {list.isSuccess && items.length === 0 && !filtered && (
          <EmptyNote icon={<IconStack2 size={44} stroke={1.3} />} title={t('data.emptyTitle')} text={t('data.emptyText')}>
            {uploadButton}
          </EmptyNote>
        )}
      </Stack>
      {drop.isDragActive && (
        <Text className={classes['hint'] ?? ''} fw={600}>
          {t('upload.dropHere')}
        </Text>
      )}
      {upload === true && may && (
        <Suspense fallback={null}>
          <UploadDialog
            tenant={tenant}
            first={dropped}
            onClose={() => {
              setDropped([]);
              search(filter);
            }}
          />
        </Suspense>
      )}
    </div>
  );
}

/** All that narrows the list, as the one search that finds the same. */
function asOneSearch({ search, tag, createdBy }: DataListSearch): string | undefined {
  const whole = joinConditions([
    search,
    // Every tag must be there, which several values of one condition would not ask for.
    ...(tag ?? []).map((one) => writeCondition('tag', [one])),
    writeCondition('creator', createdBy === undefined ? [] : [createdBy]),
  ]);
  return whole === '' ? undefined : whole;
}

import { Button, Group, Stack, TagsInput } from '@mantine/core';
import type { Client } from '@sodate/client/make-client.ts';
import { listData } from '@sodate/contract/data.ts';
import { ENTRIES_PER_DATASET_LIMIT } from '@sodate/contract/datasets.ts';
import { Tag } from '@sodate/contract/names.ts';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type DataFilter, dataListQuery } from '../data/data-queries.ts';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { SearchField } from '../ui/search-field.tsx';
import type { Column, Entry } from './dataset-draft.ts';
import { ColumnAction, EntryColumn } from './entry-column.tsx';

export const POOL = 'pool';

/** All data of the tenant, to be searched and taken from. */
export function DataPool({
  tenant,
  marked,
  columns,
  columnTitle,
  onAdd,
}: {
  readonly tenant: string;
  readonly marked: ReadonlySet<string>;
  readonly columns: readonly Column[];
  readonly columnTitle: (column: Column) => string;
  readonly onAdd: (column: Column, data: readonly Entry[]) => void;
}) {
  const { t, i18n } = useTranslation();
  const client = useClient();
  const [filter, setFilter] = useState<DataFilter>({});
  const list = useInfiniteQuery(dataListQuery(client, tenant, filter));
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const entries = (list.data?.pages.flatMap(({ items }) => items) ?? []).map(({ id, number, name, tags }): Entry => ({ id, number, name, tags }));
  const total = list.data?.pages[0]?.total;
  const takeAll = useMutation({
    mutationFn: async (column: Column) => onAdd(column, await everyData(client, tenant, filter)),
  });
  const filtered = filter.text !== undefined || filter.tag !== undefined;
  return (
    <EntryColumn
      name={POOL}
      title={t('datasets.pool')}
      entries={entries}
      marked={marked}
      amount={
        total === undefined
          ? '…'
          : total.exact
            ? formatNumber(total.count, i18n.language)
            : t('runs.atLeast', { total: formatNumber(total.count, i18n.language) })
      }
      onEnd={onEnd}
      empty={list.isPending ? t('palette.searching') : filtered ? t('data.nothingText') : t('data.emptyTitle')}
      head={
        <Stack gap={6} mt={6}>
          <Group>
            <SearchField value={filter.text} onChange={(text) => setFilter((before) => ({ ...before, text }))} />
          </Group>
          <TagsInput
            size="xs"
            aria-label={t('data.tags')}
            placeholder={filter.tag === undefined ? t('data.anyTag') : ''}
            value={[...(filter.tag ?? [])]}
            data={[...new Set(entries.flatMap(({ tags }) => tags))].sort()}
            clearable
            onChange={(tags) => {
              const valid = tags.filter((tag) => Tag.safeParse(tag).success);
              setFilter((before) => ({ ...before, tag: valid.length === 0 ? undefined : valid }));
            }}
          />
          {list.error !== null && <ErrorPanel error={list.error} onRetry={() => void list.refetch()} />}
          {takeAll.error !== null && <ErrorPanel error={takeAll.error} />}
          {filtered && entries.length > 0 && total !== undefined && (
            <Group gap={4}>
              {columns.map((column) => (
                <Button
                  key={column}
                  size="compact-xs"
                  variant="subtle"
                  loading={takeAll.isPending && takeAll.variables === column}
                  onClick={() => takeAll.mutate(column)}
                >
                  {t('datasets.takeAll', { amount: formatNumber(total.count, i18n.language), column: columnTitle(column) })}
                </Button>
              ))}
            </Group>
          )}
        </Stack>
      }
      actions={(chosen, done) =>
        columns.map((column) => (
          <ColumnAction
            key={column}
            label={`→ ${columnTitle(column)}`}
            onClick={() => {
              onAdd(column, chosen);
              done();
            }}
          />
        ))
      }
    />
  );
}

/** Everything that fits, page by page, as far as a data set can hold it. */
async function everyData(client: Client, tenant: string, filter: DataFilter): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for (let cursor: string | undefined; found.length < ENTRIES_PER_DATASET_LIMIT;) {
    const query = { ...filter, tag: filter.tag === undefined ? undefined : [...filter.tag], cursor, limit: 200 };
    const page = await client.call(listData, { params: { tenant }, query });
    found.push(...page.items.map(({ id, number, name, tags }) => ({ id, number, name, tags })));
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  return found.slice(0, ENTRIES_PER_DATASET_LIMIT);
}

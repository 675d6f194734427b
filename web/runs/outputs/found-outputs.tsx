import { Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { type Run, searchOutputs } from '@sodate/contract/run-routes.ts';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../../kit/platform.tsx';
import { ErrorPanel } from '../../ui/error-panel.tsx';
import { OutputTable } from './output-table.tsx';

const FOUND_PER_PAGE = 200;

/** What lies below a folder of the output and has a text in its name. The server looks at so many names at a time; this goes on until there is something to show. */
export function FoundOutputs({
  tenant,
  run,
  path,
  text,
  onFolder,
}: {
  readonly tenant: string;
  readonly run: Run;
  readonly path: string;
  readonly text: string;
  readonly onFolder: (path: string) => void;
}) {
  const { t } = useTranslation();
  const client = useClient();
  const found = useInfiniteQuery({
    queryKey: [tenant, 'run', run.id, 'outputs-found', path, text],
    queryFn: ({ signal, pageParam }) =>
      client.call(searchOutputs, { params: { tenant, run: run.id }, query: { path, text, cursor: pageParam, limit: FOUND_PER_PAGE }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = found;
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  const goOn = items.length === 0 && hasNextPage && !isFetchingNextPage && found.error === null;
  useEffect(() => {
    if (goOn) void fetchNextPage();
  }, [goOn, fetchNextPage]);
  return (
    <Stack gap="sm">
      {found.error !== null && <ErrorPanel error={found.error} onRetry={() => void found.refetch()} />}
      {(found.isPending || (items.length === 0 && hasNextPage && found.error === null)) && <Skeleton h={120} />}
      {found.isSuccess && items.length === 0 && !hasNextPage && (
        <Text size="sm" c="dimmed">
          {t('outputs.noneFound')}
        </Text>
      )}
      {items.length > 0 && <OutputTable tenant={tenant} run={run} below="" items={items} onFolder={onFolder} />}
      {items.length > 0 && hasNextPage && (
        <Group>
          <Button size="xs" variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {t('action.loadMore')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

import { Skeleton, Text, UnstyledButton } from '@mantine/core';
import { buildPath } from '@sodate/client/build-path.ts';
import { openContent } from '@sodate/contract/content.ts';
import { type Data, type DataFile, deleteDataFile, getDataFile, previewDataFile } from '@sodate/contract/data.ts';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { FileIcon } from '../ui/file-icon.tsx';
import { formatBytes } from '../ui/formats.ts';
import { LazyPreviewDialog } from '../ui/preview/lazy-preview-dialog.tsx';
import { DeleteAction, DownloadAction } from '../ui/row-actions.tsx';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import { visibleName } from '../ui/visible-name.ts';
import { dataFilesQuery } from './data-queries.ts';
import classes from './data-files.module.css';

const ROW_PX = 41;

/** The files of a data, thousands of them if need be; a click looks into one. */
export function DataFiles({ tenant, data }: { readonly tenant: string; readonly data: Data }) {
  const { t, i18n } = useTranslation();
  const { client, queries } = usePlatform();
  const may = mayWork(useMe(), tenant);
  const list = useInfiniteQuery(dataFilesQuery(client, tenant, data.id));
  const [shown, setShown] = useState<number | null>(null);
  const [leaving, setLeaving] = useState<DataFile | null>(null);
  const remove = useMutation({
    mutationFn: (file: DataFile) => client.call(deleteDataFile, { params: { tenant, data: data.id, file: file.id } }),
    onSuccess: () => {
      setLeaving(null);
      void queries.invalidateQueries({ queryKey: [tenant, 'data', data.id] });
    },
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const files = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const preview = shown === null ? undefined : files[shown];

  if (list.error !== null) return <ErrorPanel error={list.error} onRetry={() => void list.refetch()} />;
  if (list.isPending) return <Skeleton h={200} />;
  if (files.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('data.noFiles')}
      </Text>
    );
  }
  return (
    <div className={classes['table']} role="table" aria-label={t('data.files')} aria-rowcount={data.fileCount}>
      <VirtualRows
        count={files.length}
        estimate={ROW_PX}
        keyOf={(index) => files[index]?.id ?? String(index)}
        onEnd={onEnd}
        row={(index) => {
          const file = files[index];
          if (file === undefined) return null;
          return (
            <div role="row" className={classes['row']}>
              <span role="cell" className={classes['main']}>
                <UnstyledButton className={classes['name'] ?? ''} onClick={() => setShown(index)} title={file.name}>
                  <FileIcon name={file.name} />
                  <bdi>{visibleName(file.name)}</bdi>
                </UnstyledButton>
              </span>
              <span role="cell" className={classes['size']}>
                {formatBytes(file.size, i18n.language)}
              </span>
              <span role="cell" className={classes['actions']}>
                <DownloadAction name={file.name} href={buildPath(getDataFile.path, { tenant, data: data.id, file: file.id }, {})} />
                {may && <DeleteAction name={file.name} onDelete={() => setLeaving(file)} />}
              </span>
            </div>
          );
        }}
      />
      {preview !== undefined && shown !== null && (
        <LazyPreviewDialog
          file={{
            name: preview.name,
            key: [tenant, 'data-file', preview.id],
            changing: false,
            href: buildPath(getDataFile.path, { tenant, data: data.id, file: preview.id }, {}),
            preview: (signal) => client.call(previewDataFile, { params: { tenant, data: data.id, file: preview.id }, signal }),
            open: (signal) => client.call(openContent, { params: { tenant }, body: { kind: 'data', data: data.id, path: preview.name }, signal }),
            content: (signal) => client.bytes(getDataFile, { params: { tenant, data: data.id, file: preview.id }, signal }),
          }}
          onClose={() => setShown(null)}
          onStep={(by) => setShown(Math.max(0, Math.min(files.length - 1, shown + by)))}
          first={shown === 0}
          last={shown === files.length - 1}
        />
      )}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('data.deleteFileTitle')}
        text={t('data.deleteFileText', { name: visibleName(leaving?.name ?? '') })}
        confirm={t('run.deleteConfirm')}
        working={remove.isPending}
        error={remove.error}
        onConfirm={() => leaving !== null && remove.mutate(leaving)}
        onClose={() => {
          setLeaving(null);
          remove.reset();
        }}
      />
    </div>
  );
}

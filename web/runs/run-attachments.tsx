import { Button, Group, Stack, Table, Text, UnstyledButton } from '@mantine/core';
import { buildPath } from '@sodate/client/build-path.ts';
import { type Attachment, attachFile, detachFile, getAttachment, listAttachments, previewAttachment } from '@sodate/contract/attachments.ts';
import { openContent } from '@sodate/contract/content.ts';
import type { Run } from '@sodate/contract/run-routes.ts';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { IconFolder, IconLink, IconPaperclip } from '@tabler/icons-react';
import { useState } from 'react';
import { useDropzone } from 'react-dropzone';
import { useTranslation } from 'react-i18next';
import { eachThing } from '../kit/each-thing.ts';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { FileIcon } from '../ui/file-icon.tsx';
import { formatBytes } from '../ui/formats.ts';
import { Moment } from '../ui/moment.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { LazyPreviewDialog } from '../ui/preview/lazy-preview-dialog.tsx';
import { Refusals } from '../ui/refusals.tsx';
import { DeleteAction, DownloadAction } from '../ui/row-actions.tsx';
import { visibleName } from '../ui/visible-name.ts';
import rows from '../ui/rows.module.css';
import classes from './outputs/run-outputs.module.css';
import { hasEnded } from './run-words.ts';

const PER_PAGE = 200;
const LIVE_EVERY_MS = 3_000;

/** Files beside a run: what people put there, by a drop on this place, and what the job wrote there. */
export function RunAttachments({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t, i18n } = useTranslation();
  const { client, queries } = usePlatform();
  const may = mayWork(useMe(), tenant);
  const params = { tenant, run: run.id };
  const key = [tenant, 'run', run.id, 'attachments'];
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ signal, pageParam }) => client.call(listAttachments, { params, query: { cursor: pageParam, limit: PER_PAGE }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    // The job writes without an event.
    refetchInterval: hasEnded(run.state) ? false : LIVE_EVERY_MS,
  });
  const [shown, setShown] = useState<string | null>(null);
  const [leaving, setLeaving] = useState<Attachment | null>(null);
  const refresh = (): void => void queries.invalidateQueries({ queryKey: key });
  const attach = useMutation({
    mutationFn: (files: readonly File[]) =>
      eachThing(files, (file) =>
        client.exchange({
          method: attachFile.method,
          path: buildPath(attachFile.path, params, { name: file.name }),
          headers: { 'content-type': 'application/octet-stream' },
          body: file,
          // The same bytes under the same name change nothing.
          repeatable: true,
        }),
      ),
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: ({ name }: Attachment) => client.call(detachFile, { params, query: { name } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const drop = useDropzone({ noClick: true, noKeyboard: true, disabled: !may || attach.isPending, onDrop: (files) => attach.mutate(files) });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const files = items.filter(({ kind }) => kind === 'file');
  const at = files.findIndex(({ name }) => name === shown);
  const file = files[at];
  return (
    <div {...drop.getRootProps({ role: 'presentation', tabIndex: undefined })} className={classes['drop']} data-over={drop.isDragActive || undefined}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('attachments.text')}
        </Text>
        {may && (
          <Group>
            <input {...drop.getInputProps({ 'aria-label': t('attachments.choose') })} />
            <Button variant="default" leftSection={<IconPaperclip size={16} aria-hidden />} loading={attach.isPending} onClick={drop.open}>
              {t('attachments.attach')}
            </Button>
          </Group>
        )}
        <Refusals refused={(attach.data?.refused ?? []).map(({ thing, error }) => ({ name: thing.name, error }))} />
        <PanelState query={list} empty={items.length === 0 ? t('attachments.none') : null} />
        {items.length > 0 && (
          <div className={`${rows['frame']} ${classes['frame']}`}>
            <Table verticalSpacing={8} highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('outputs.name')}</Table.Th>
                  <Table.Th className={classes['end'] ?? ''}>{t('outputs.size')}</Table.Th>
                  <Table.Th visibleFrom="xs">{t('attachments.by')}</Table.Th>
                  <Table.Th aria-label={t('action.download')} />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((item) => (
                  <Table.Tr key={item.name}>
                    <Table.Td>
                      {item.kind === 'file' ? (
                        <UnstyledButton className={classes['entry'] ?? ''} onClick={() => setShown(item.name)}>
                          <FileIcon name={item.name} />
                          <bdi>{visibleName(item.name)}</bdi>
                        </UnstyledButton>
                      ) : (
                        <span className={classes['entry']}>
                          {item.kind === 'folder' ? <IconFolder size={18} aria-hidden /> : <IconLink size={18} aria-hidden />}
                          <bdi>{visibleName(item.name)}</bdi>
                        </span>
                      )}
                    </Table.Td>
                    <Table.Td className={classes['end'] ?? ''}>{item.kind === 'file' && item.size !== null && formatBytes(item.size, i18n.language)}</Table.Td>
                    <Table.Td visibleFrom="xs">
                      {item.attachedBy?.displayName ?? t('attachments.job')}
                      {item.attachedAt !== null && (
                        <Text size="xs" c="dimmed" component="span" display="block">
                          <Moment at={item.attachedAt} />
                        </Text>
                      )}
                    </Table.Td>
                    <Table.Td className={classes['end'] ?? ''}>
                      {item.kind === 'file' && <DownloadAction name={item.name} href={buildPath(getAttachment.path, params, { name: item.name })} />}
                      {may && item.attachedBy !== null && <DeleteAction name={item.name} onDelete={() => setLeaving(item)} />}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        )}
        {list.hasNextPage && (
          <Group>
            <Button size="xs" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {t('action.loadMore')}
            </Button>
          </Group>
        )}
      </Stack>
      {file !== undefined && (
        <LazyPreviewDialog
          file={{
            name: file.name,
            key: [tenant, 'run-attachment', run.id, file.name, file.modifiedAt ?? ''],
            changing: !hasEnded(run.state),
            href: buildPath(getAttachment.path, params, { name: file.name }),
            preview: (signal) => client.call(previewAttachment, { params, query: { name: file.name }, signal }),
            open: (signal) => client.call(openContent, { params: { tenant }, body: { kind: 'attachments', run: run.id, path: file.name }, signal }),
            content: (signal) => client.bytes(getAttachment, { params, query: { name: file.name }, signal }),
          }}
          first={at === 0}
          last={at === files.length - 1}
          onStep={(by) => setShown(files[at + by]?.name ?? null)}
          onClose={() => setShown(null)}
        />
      )}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('data.deleteFileTitle')}
        text={t('attachments.deleteText', { name: visibleName(leaving?.name ?? '') })}
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

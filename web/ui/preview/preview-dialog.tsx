import { ActionIcon, Button, Center, Group, Loader, Modal, SegmentedControl, Stack, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import type { Opening } from '@sodate/contract/content.ts';
import type { Preview } from '@sodate/contract/preview.ts';
import { useQuery } from '@tanstack/react-query';
import { IconChevronLeft, IconChevronRight, IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ErrorPanel } from '../error-panel.tsx';
import { formatBytes } from '../formats.ts';
import { visibleName } from '../visible-name.ts';
import { ContentFrame } from './content-frame.tsx';
import { OpenInTab } from './open-in-tab.tsx';
import { isPage, opensInTab } from './opens-in-browser.ts';
import classes from './preview.module.css';
import { PreviewView } from './preview-view.tsx';

/** Where a file comes from, whosever it is. */
export interface PreviewedFile {
  readonly name: string;
  /** Of its preview among the queries. */
  readonly key: readonly string[];
  /** Something may still be writing it: every look is a fresh one. */
  readonly changing: boolean;
  readonly href: string;
  preview(signal: AbortSignal): Promise<Preview>;
  /** The whole file. */
  content(signal: AbortSignal): Promise<Response>;
  /** An address at a host of its own, with what lies beside it. */
  open(signal: AbortSignal): Promise<Opening>;
}

/**
 * A look into a file: a picture, a table, text or bytes; what it holds is not run here. Pages are shown from a host of their
 * own, where they may run and reach nothing of the platform.
 */
export function PreviewDialog({
  file,
  first,
  last,
  onStep,
  onClose,
}: {
  readonly file: PreviewedFile;
  readonly first: boolean;
  readonly last: boolean;
  readonly onStep: (by: 1 | -1) => void;
  readonly onClose: () => void;
}) {
  const { t, i18n } = useTranslation();
  const [as, setAs] = useState<string>('page');
  const shown = useQuery({
    queryKey: [...file.key],
    queryFn: ({ signal }) => file.preview(signal),
    staleTime: file.changing ? 0 : Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  useHotkeys([
    ['ArrowLeft', () => !first && onStep(-1)],
    ['ArrowRight', () => !last && onStep(1)],
  ]);
  const key = file.key.join('\n');
  const view = shown.data !== undefined && <PreviewView key={key} preview={shown.data} file={file} />;
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={<bdi className={classes['name']}>{visibleName(file.name)}</bdi>}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <Stack gap="sm">
        {isPage(file.name) && (
          <SegmentedControl
            size="xs"
            value={as}
            onChange={setAs}
            aria-label={t('preview.as')}
            data={[
              { value: 'page', label: t('preview.asPage') },
              { value: 'text', label: t('preview.asText') },
            ]}
          />
        )}
        <div className={classes['view']}>
          {shown.isPending && (
            <Center h={200}>
              <Loader size="sm" />
            </Center>
          )}
          {shown.error !== null && <ErrorPanel error={shown.error} onRetry={() => void shown.refetch()} />}
          {shown.data !== undefined && (isPage(file.name) && as === 'page' ? <ContentFrame key={key} file={file} otherwise={view} /> : view)}
        </div>
        <Group justify="space-between">
          <Text size="xs" c="dimmed">
            {shown.data !== undefined && formatBytes(shown.data.size, i18n.language)}
            {shown.data !== undefined && factsOf(shown.data).map((fact) => ` · ${fact}`)}
            {shown.data?.cut === true && ` · ${t('preview.beginning')}`}
          </Text>
          <Group gap="xs">
            <ActionIcon variant="default" size="lg" disabled={first} onClick={() => onStep(-1)} aria-label={t('preview.previous')}>
              <IconChevronLeft size={18} />
            </ActionIcon>
            <ActionIcon variant="default" size="lg" disabled={last} onClick={() => onStep(1)} aria-label={t('preview.next')}>
              <IconChevronRight size={18} />
            </ActionIcon>
            {opensInTab(file.name) && <OpenInTab key={key} open={file.open} />}
            <Button
              variant="default"
              component="a"
              href={file.href}
              download={file.name.split('/').at(-1)}
              leftSection={<IconDownload size={16} aria-hidden />}
            >
              {t('action.download')}
            </Button>
          </Group>
        </Group>
      </Stack>
    </Modal>
  );
}

/** What there is to know beside its size. UTF-8 goes without saying. */
function factsOf(preview: Preview): readonly string[] {
  if (preview.kind === 'image') return preview.width === null || preview.height === null ? [] : [`${preview.width} × ${preview.height}`];
  if (preview.kind === 'binary' || preview.encoding === 'utf-8') return [];
  return [preview.encoding];
}

import { ActionIcon, Button, Center, Code, Group, Loader, Modal, ScrollArea, Stack, Table, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { buildPath } from '@sodate/client/build-path.ts';
import type { Client } from '@sodate/client/make-client.ts';
import { type DataFile, getDataFile } from '@sodate/contract/data.ts';
import { useQuery } from '@tanstack/react-query';
import { IconChevronLeft, IconChevronRight, IconDownload } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatBytes } from '../ui/formats.ts';
import { visibleName } from '../ui/visible-name.ts';
import classes from './file-preview.module.css';
import { imageTypeOf, type Preview, previewOf } from './preview-kinds.ts';

const TEXT_BYTES = 128 * 1024;
const IMAGE_BYTES_LIMIT = 30_000_000;

type Shown = Preview | { readonly kind: 'image'; readonly blob: Blob } | { readonly kind: 'too-large' };

/** A look into a file: a picture, a table or text. It is never more than that: what a file holds is not run. */
export function FilePreview({
  tenant,
  data,
  file,
  first,
  last,
  onClose,
  onStep,
}: {
  readonly tenant: string;
  readonly data: string;
  readonly file: DataFile;
  readonly first: boolean;
  readonly last: boolean;
  readonly onClose: () => void;
  readonly onStep: (by: 1 | -1) => void;
}) {
  const { t, i18n } = useTranslation();
  const client = useClient();
  const shown = useQuery({
    queryKey: [tenant, 'data-file', file.id],
    queryFn: ({ signal }) => load(client, tenant, data, file, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  useHotkeys([
    ['ArrowLeft', () => onStep(-1)],
    ['ArrowRight', () => onStep(1)],
  ]);
  const cut =
    file.size > TEXT_BYTES && shown.data !== undefined && shown.data.kind !== 'image' && shown.data.kind !== 'too-large' && shown.data.kind !== 'none';
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={<bdi className={classes['name']}>{visibleName(file.name)}</bdi>}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <Stack gap="sm">
        <div className={classes['view']}>
          {shown.isPending && (
            <Center h={200}>
              <Loader size="sm" />
            </Center>
          )}
          {shown.error !== null && <ErrorPanel error={shown.error} onRetry={() => void shown.refetch()} />}
          {shown.data !== undefined && <View key={file.id} shown={shown.data} name={file.name} />}
        </div>
        <Group justify="space-between">
          <Text size="xs" c="dimmed">
            {formatBytes(file.size, i18n.language)}
            {cut && ` · ${t('preview.cut', { bytes: formatBytes(TEXT_BYTES, i18n.language) })}`}
          </Text>
          <Group gap="xs">
            <ActionIcon variant="default" size="lg" disabled={first} onClick={() => onStep(-1)} aria-label={t('preview.previous')}>
              <IconChevronLeft size={18} />
            </ActionIcon>
            <ActionIcon variant="default" size="lg" disabled={last} onClick={() => onStep(1)} aria-label={t('preview.next')}>
              <IconChevronRight size={18} />
            </ActionIcon>
            <Button
              variant="default"
              component="a"
              href={buildPath(getDataFile.path, { tenant, data, file: file.id }, {})}
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

async function load(client: Client, tenant: string, data: string, file: DataFile, signal: AbortSignal): Promise<Shown> {
  if (file.size === 0) return { kind: 'text', text: '' };
  const params = { tenant, data, file: file.id };
  const type = imageTypeOf(file.name);
  if (type !== null) {
    if (file.size > IMAGE_BYTES_LIMIT) return { kind: 'too-large' };
    const response = await client.bytes(getDataFile, { params, signal });
    return { kind: 'image', blob: new Blob([await response.arrayBuffer()], { type }) };
  }
  const end = Math.min(file.size, TEXT_BYTES) - 1;
  const response = await client.bytes(getDataFile, { params, signal, headers: { range: `bytes=0-${end}` } });
  return previewOf(file.name, new Uint8Array(await response.arrayBuffer()), file.size <= TEXT_BYTES);
}

function View({ shown, name }: { readonly shown: Shown; readonly name: string }) {
  const { t } = useTranslation();
  if (shown.kind === 'image') return <Picture blob={shown.blob} name={name} />;
  if (shown.kind === 'table') {
    const [head = [], ...rows] = shown.rows;
    return (
      <ScrollArea.Autosize mah="60vh" viewportProps={{ tabIndex: 0 }}>
        <Table striped withColumnBorders fz="xs" verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              {head.map((cell, index) => (
                <Table.Th key={index}>{cell}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row, index) => (
              <Table.Tr key={index}>
                {row.map((cell, column) => (
                  <Table.Td key={column}>{cell}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
    );
  }
  if (shown.kind === 'text' && shown.text !== '') {
    return (
      <Code block className={classes['text'] ?? ''} tabIndex={0}>
        {shown.text}
      </Code>
    );
  }
  return (
    <Center h={120}>
      <Text size="sm" c="dimmed">
        {t(shown.kind === 'text' ? 'preview.empty' : shown.kind === 'too-large' ? 'preview.tooLarge' : 'preview.none')}
      </Text>
    </Center>
  );
}

function Picture({ blob, name }: { readonly blob: Blob; readonly name: string }) {
  const { t } = useTranslation();
  // Given back when the picture goes; another picture is another of these, by its key.
  const [address] = useState(() => URL.createObjectURL(blob));
  const [broken, setBroken] = useState(false);
  useEffect(() => () => URL.revokeObjectURL(address), [address]);
  if (broken) {
    return (
      <Center h={120}>
        <Text size="sm" c="dimmed">
          {t('preview.none')}
        </Text>
      </Center>
    );
  }
  return <img src={address} alt={name} className={classes['picture']} onError={() => setBroken(true)} />;
}

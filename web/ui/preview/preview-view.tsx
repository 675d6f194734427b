import { Alert, Center, Code, ScrollArea, Stack, Table, Text } from '@mantine/core';
import type { Preview } from '@sodate/contract/preview.ts';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ErrorPanel } from '../error-panel.tsx';
import { useObjectUrl } from '../use-object-url.ts';
import classes from './preview.module.css';
import type { PreviewedFile } from './preview-dialog.tsx';

/** A picture that the preview does not carry is fetched up to this size. */
const PICTURE_BYTES_LIMIT = 30_000_000;

export function PreviewView({ preview, file }: { readonly preview: Preview; readonly file: PreviewedFile }) {
  const { t } = useTranslation();
  if (preview.size === 0) return <Note text={t('preview.empty')} />;
  switch (preview.kind) {
    case 'image':
      if (preview.bytes !== null) return <Picture address={`data:${preview.mediaType};base64,${preview.bytes}`} name={file.name} />;
      if (preview.size > PICTURE_BYTES_LIMIT) return <Note text={t('preview.tooLarge')} />;
      return <FetchedPicture file={file} mediaType={preview.mediaType} />;
    case 'table':
      return <Rows rows={preview.rows} />;
    case 'json':
      return (
        <Stack gap="xs">
          {preview.problem !== null && (
            <Alert color="yellow" variant="light" py="xs" title={t('preview.notJson')}>
              {preview.problem}
            </Alert>
          )}
          <Lines text={preview.text} wrap />
        </Stack>
      );
    case 'text':
      return <Lines text={preview.text} wrap />;
    case 'binary':
      return <Lines text={preview.hex.join('\n')} wrap={false} />;
  }
}

const Note = ({ text }: { readonly text: string }) => (
  <Center h={120}>
    <Text size="sm" c="dimmed">
      {text}
    </Text>
  </Center>
);

const Lines = ({ text, wrap }: { readonly text: string; readonly wrap: boolean }) => (
  <Code block className={classes['text'] ?? ''} data-wrap={wrap || undefined} tabIndex={0}>
    {text}
  </Code>
);

function Rows({ rows: [head = [], ...rows] }: { readonly rows: readonly (readonly string[])[] }) {
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

function Picture({ address, name }: { readonly address: string; readonly name: string }) {
  const { t } = useTranslation();
  const [broken, setBroken] = useState(false);
  if (broken) return <Note text={t('preview.none')} />;
  return <img src={address} alt={name} className={classes['picture']} onError={() => setBroken(true)} />;
}

/** The type is the server's, so that it stays a picture whatever the file says of itself. */
function FetchedPicture({ file, mediaType }: { readonly file: PreviewedFile; readonly mediaType: string }) {
  const fetched = useQuery({
    queryKey: [...file.key, 'content'],
    queryFn: async ({ signal }) => (await file.content(signal)).arrayBuffer(),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const address = useObjectUrl(fetched.data, mediaType);
  if (fetched.error !== null) return <ErrorPanel error={fetched.error} onRetry={() => void fetched.refetch()} />;
  return address === null ? <Center h={200} aria-busy /> : <Picture address={address} name={file.name} />;
}

import { Table, Text, UnstyledButton } from '@mantine/core';
import { buildPath } from '@sodate/client/build-path.ts';
import { openContent } from '@sodate/contract/content.ts';
import { archiveOutputs, getOutput, type OutputEntry, previewOutput, type Run } from '@sodate/contract/run-routes.ts';
import { IconFolder, IconLink } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../../kit/platform.tsx';
import { FileIcon } from '../../ui/file-icon.tsx';
import { formatBytes, formatNumber } from '../../ui/formats.ts';
import { Moment } from '../../ui/moment.tsx';
import { LazyPreviewDialog } from '../../ui/preview/lazy-preview-dialog.tsx';
import { DownloadAction } from '../../ui/row-actions.tsx';
import { visibleName } from '../../ui/visible-name.ts';
import { hasEnded } from '../run-words.ts';
import rows from '../../ui/rows.module.css';
import classes from './run-outputs.module.css';

/** Entries of the output folder; a click opens a folder, or looks into a file. Names are the job's: shown as text, control characters made visible. */
export function OutputTable({
  tenant,
  run,
  below,
  items,
  onFolder,
}: {
  readonly tenant: string;
  readonly run: Run;
  /** The folder in which the entries' names begin; empty for the output folder itself. */
  readonly below: string;
  readonly items: readonly OutputEntry[];
  readonly onFolder: (path: string) => void;
}) {
  const { t, i18n } = useTranslation();
  const client = useClient();
  const [shown, setShown] = useState<string | null>(null);
  const params = { tenant, run: run.id };
  const pathOf = (name: string): string => (below === '' ? name : `${below}/${name}`);
  const files = items.filter(({ kind }) => kind === 'file');
  const at = files.findIndex(({ name }) => name === shown);
  const file = files[at];
  return (
    <div className={`${rows['frame']} ${classes['frame']}`}>
      <Table verticalSpacing={8} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('outputs.name')}</Table.Th>
            <Table.Th className={classes['end'] ?? ''}>{t('outputs.size')}</Table.Th>
            <Table.Th visibleFrom="xs">{t('outputs.modified')}</Table.Th>
            <Table.Th aria-label={t('action.download')} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((item) => {
            const path = pathOf(item.name);
            return (
              <Table.Tr key={item.name}>
                <Table.Td>
                  {item.kind === 'other' ? (
                    <span className={classes['entry']} title={t('outputs.other')}>
                      <IconLink size={18} aria-hidden />
                      <bdi>{visibleName(item.name)}</bdi>
                    </span>
                  ) : (
                    <UnstyledButton className={classes['entry'] ?? ''} onClick={() => (item.kind === 'folder' ? onFolder(path) : setShown(item.name))}>
                      {item.kind === 'folder' ? <IconFolder size={18} className={classes['folder']} aria-hidden /> : <FileIcon name={item.name} />}
                      <bdi>{visibleName(item.name)}</bdi>
                    </UnstyledButton>
                  )}
                </Table.Td>
                <Table.Td className={classes['end'] ?? ''}>
                  {item.kind === 'file' && item.size !== null && formatBytes(item.size, i18n.language)}
                  {item.below !== null && (
                    <>
                      {t(item.below.exact ? 'outputs.below' : 'outputs.belowAtLeast', { size: formatBytes(item.below.size, i18n.language) })}
                      <Text size="xs" c="dimmed" component="span" display="block">
                        {t(item.below.exact ? 'outputs.filesBelow' : 'outputs.filesBelowAtLeast', { files: formatNumber(item.below.files, i18n.language) })}
                      </Text>
                    </>
                  )}
                </Table.Td>
                <Table.Td visibleFrom="xs" className={classes['when'] ?? ''}>
                  {item.modifiedAt !== null && <Moment at={item.modifiedAt} />}
                </Table.Td>
                <Table.Td className={classes['end'] ?? ''}>
                  {item.kind !== 'other' && (
                    <DownloadAction
                      name={item.name}
                      folder={item.kind === 'folder'}
                      href={buildPath(item.kind === 'file' ? getOutput.path : archiveOutputs.path, params, { path })}
                    />
                  )}
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      {file !== undefined && (
        <LazyPreviewDialog
          file={{
            name: file.name,
            key: [tenant, 'run-output', run.id, pathOf(file.name), file.modifiedAt ?? ''],
            changing: !hasEnded(run.state),
            href: buildPath(getOutput.path, params, { path: pathOf(file.name) }),
            preview: (signal) => client.call(previewOutput, { params, query: { path: pathOf(file.name) }, signal }),
            open: (signal) => client.call(openContent, { params: { tenant }, body: { kind: 'output', run: run.id, path: pathOf(file.name) }, signal }),
            content: (signal) => client.bytes(getOutput, { params, query: { path: pathOf(file.name) }, signal }),
          }}
          first={at === 0}
          last={at === files.length - 1}
          onStep={(by) => setShown(files[at + by]?.name ?? null)}
          onClose={() => setShown(null)}
        />
      )}
    </div>
  );
}

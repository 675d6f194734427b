import { Button, Group, Paper, Text } from '@mantine/core';
import { buildPath } from '@sodate/client/build-path.ts';
import { archiveSomeData, type Data, updateData } from '@sodate/contract/data.ts';
import { ARCHIVED_THINGS_LIMIT } from '@sodate/contract/paging.ts';
import { useNavigate } from '@tanstack/react-router';
import { IconDatabasePlus, IconDownload, IconTag, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { writeDraft } from '../kit/drafts.ts';
import { useClient } from '../kit/platform.tsx';
import { EditTagsDialog } from '../ui/edit-tags-dialog.tsx';
import { formatNumber } from '../ui/formats.ts';
import { DeleteDataDialog } from './delete-data-dialog.tsx';
import classes from '../ui/selection-bar.module.css';

/** What can be done with the data that are chosen; there while some are. */
export function DataSelection({
  tenant,
  selected,
  onClear,
  may,
}: {
  readonly tenant: string;
  readonly selected: ReadonlyMap<string, Data>;
  readonly onClear: () => void;
  readonly may: boolean;
}) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const client = useClient();
  const [asking, setAsking] = useState<'tags' | 'delete' | null>(null);
  if (selected.size === 0) return null;
  const data = [...selected.values()];
  const toDataset = (): void => {
    const entries = data.map(({ id, number, name, tags }) => ({ id, number, name, tags }));
    writeDraft(`dataset ${tenant}`, { name: '', memo: '', flat: false, entries: { training: entries, testing: [], validation: [] }, flatEntries: [] });
    void navigate({ to: '/tenants/$tenant/datasets/new', params: { tenant } });
  };
  return (
    <Paper withBorder className={classes['bar'] ?? ''} role="region" aria-label={t('data.selection')}>
      <Group gap="xs">
        <Text size="sm" fw={550} aria-live="polite">
          {t('data.selected', { amount: formatNumber(selected.size, i18n.language) })}
        </Text>
        <Button
          size="xs"
          variant="default"
          component="a"
          {...(selected.size > ARCHIVED_THINGS_LIMIT
            ? { 'aria-disabled': true, 'data-disabled': true, title: t('many.downloadMost', { amount: formatNumber(ARCHIVED_THINGS_LIMIT, i18n.language) }) }
            : { href: buildPath(archiveSomeData.path, { tenant }, { data: data.map(({ number }) => number) }), download: true })}
          leftSection={<IconDownload size={14} aria-hidden />}
        >
          {t('action.download')}
        </Button>
        {may && (
          <>
            <Button size="xs" variant="default" leftSection={<IconDatabasePlus size={14} aria-hidden />} onClick={toDataset}>
              {t('data.makeDataset')}
            </Button>
            <Button size="xs" variant="default" leftSection={<IconTag size={14} aria-hidden />} onClick={() => setAsking('tags')}>
              {t('data.editTags')}
            </Button>
            <Button size="xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} onClick={() => setAsking('delete')}>
              {t('action.delete')}
            </Button>
          </>
        )}
        <Button size="xs" variant="subtle" color="gray" onClick={onClear}>
          {t('action.clearSelection')}
        </Button>
      </Group>
      {asking === 'tags' && (
        <EditTagsDialog
          things={data}
          topic={[tenant, 'data']}
          onTag={(one, tags) => client.call(updateData, { params: { tenant, data: one }, body: { tags } })}
          onClose={() => setAsking(null)}
          onDone={onClear}
        />
      )}
      {asking === 'delete' && <DeleteDataDialog tenant={tenant} data={data} onClose={() => setAsking(null)} onDone={onClear} />}
    </Paper>
  );
}

import { ActionIcon, Tooltip } from '@mantine/core';
import { IconDownload, IconFileZip, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { visibleName } from './visible-name.ts';

/* What can be done about a file of a list: icons at the end of its row. */

/** A folder comes as one zip. */
export function DownloadAction({ name, href, folder = false }: { readonly name: string; readonly href: string; readonly folder?: boolean }) {
  const { t } = useTranslation();
  const label = t(folder ? 'outputs.archive' : 'action.download');
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        component="a"
        href={href}
        // The server names an archive.
        download={folder ? true : name.split('/').at(-1)}
        aria-label={`${label} ${visibleName(name)}`}
      >
        {folder ? <IconFileZip size={17} /> : <IconDownload size={17} />}
      </ActionIcon>
    </Tooltip>
  );
}

export function DeleteAction({ name, onDelete }: { readonly name: string; readonly onDelete: () => void }) {
  const { t } = useTranslation();
  return (
    <Tooltip label={t('action.delete')}>
      <ActionIcon variant="subtle" color="gray" onClick={onDelete} aria-label={`${t('action.delete')} ${visibleName(name)}`}>
        <IconTrash size={17} />
      </ActionIcon>
    </Tooltip>
  );
}

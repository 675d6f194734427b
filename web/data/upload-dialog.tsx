import { Button, Group, Modal, SegmentedControl, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { FILES_PER_DATA_LIMIT } from '@sodate/contract/data.ts';
import { Tag, Title } from '@sodate/contract/names.ts';
import { IconFolder, IconFile, IconUpload } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { useDropzone } from 'react-dropzone';
import { useTranslation } from 'react-i18next';
import { formatBytes, formatNumber } from '../ui/formats.ts';
import { visibleName } from '../ui/visible-name.ts';
import { type ChosenFile, chosen, GROUPINGS, type Grouping, groupFiles, hasFolders } from './group-files.ts';
import { TagsField } from '../ui/tags-field.tsx';
import classes from './upload-dialog.module.css';
import { useUploads } from './uploads.ts';

const NAMES_SHOWN = 6;

/** Chooses files and what becomes of them. Sending goes on in the tray, so this can be closed at once. */
export function UploadDialog({
  tenant,
  first,
  into,
  onClose,
}: {
  readonly tenant: string;
  /** Dropped before the dialog opened. */
  readonly first: readonly ChosenFile[];
  readonly into?: { readonly id: string; readonly number: number; readonly name: string };
  readonly onClose: () => void;
}) {
  const { t, i18n } = useTranslation();
  const uploads = useUploads();
  const [files, setFiles] = useState(first);
  const [grouping, setGrouping] = useState<Grouping>('together');
  const [typedName, setTypedName] = useState<string | null>(null);
  const [tags, setTags] = useState<readonly string[]>([]);
  const [memo, setMemo] = useState('');
  const folderInput = useRef<HTMLInputElement>(null);
  const add = (more: readonly File[]): void =>
    setFiles((before) => {
      const known = new Set(before.map(({ path }) => path));
      return [...before, ...more.map(chosen).filter(({ path }) => !known.has(path))];
    });
  const drop = useDropzone({ onDrop: (accepted) => add(accepted), noKeyboard: true });

  const grouped = groupFiles(files, into === undefined ? grouping : 'together');
  const name = typedName ?? grouped[0]?.name.slice(0, 255) ?? '';
  const named = into === undefined && grouping === 'together';
  const groups = named ? grouped.map((group) => ({ ...group, name })) : grouped;
  const tooMany = groups.some((group) => group.files.length > FILES_PER_DATA_LIMIT);
  const nameError = named && files.length > 0 && !Title.safeParse(name).success ? t('data.nameForm') : null;
  const ready = files.length > 0 && !tooMany && nameError === null && tags.every((tag) => Tag.safeParse(tag).success);
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  const send = (): void => {
    const title = into?.name ?? (groups.length === 1 ? (groups[0]?.name ?? '') : t('upload.several', { amount: formatNumber(groups.length, i18n.language) }));
    uploads.start({ tenant, title, tags, memo, groups, ...(into === undefined ? {} : { into }) });
    onClose();
  };

  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={into === undefined ? t('upload.title') : t('upload.titleInto', { name: into.name })}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) send();
        }}
      >
        <Stack>
          <div {...drop.getRootProps()} className={classes['zone']} data-over={drop.isDragActive || undefined}>
            <input {...drop.getInputProps({ 'aria-label': t('upload.chooseFiles') })} />
            <input
              ref={folderInput}
              type="file"
              hidden
              aria-label={t('upload.chooseFolder')}
              {...{ webkitdirectory: '' }}
              onClick={(event) => event.stopPropagation()}
              onChange={(event) => add([...(event.currentTarget.files ?? [])])}
            />
            <IconUpload size={32} stroke={1.4} aria-hidden />
            <Text size="sm">{t('upload.drop')}</Text>
            <Group gap="xs" justify="center">
              <Button
                size="xs"
                variant="default"
                leftSection={<IconFile size={14} aria-hidden />}
                onClick={(event) => {
                  event.stopPropagation();
                  drop.open();
                }}
              >
                {t('upload.chooseFiles')}
              </Button>
              <Button
                size="xs"
                variant="default"
                leftSection={<IconFolder size={14} aria-hidden />}
                onClick={(event) => {
                  event.stopPropagation();
                  folderInput.current?.click();
                }}
              >
                {t('upload.chooseFolder')}
              </Button>
            </Group>
          </div>
          {files.length > 0 && (
            <div>
              <Group justify="space-between" gap="xs">
                <Text size="sm" fw={550}>
                  {t('upload.files', { files: formatNumber(files.length, i18n.language) })} · {formatBytes(bytes, i18n.language)}
                </Text>
                <Button size="compact-xs" variant="subtle" color="gray" onClick={() => setFiles([])}>
                  {t('action.clearSelection')}
                </Button>
              </Group>
              <ul className={classes['names']}>
                {files.slice(0, NAMES_SHOWN).map(({ path }) => (
                  <li key={path}>
                    <bdi>{visibleName(path)}</bdi>
                  </li>
                ))}
                {files.length > NAMES_SHOWN && <li>{t('upload.moreFiles', { files: formatNumber(files.length - NAMES_SHOWN, i18n.language) })}</li>}
              </ul>
            </div>
          )}
          {into === undefined && files.length > 1 && (
            <div>
              <Text size="sm" fw={500} mb={4} id="grouping">
                {t('upload.grouping')}
              </Text>
              <SegmentedControl
                fullWidth
                aria-labelledby="grouping"
                value={grouping}
                onChange={(value) => setGrouping(GROUPINGS.find((one) => one === value) ?? 'together')}
                data={GROUPINGS.filter((one) => one !== 'folder' || hasFolders(files)).map((one) => ({ value: one, label: t(`upload.group.${one}`) }))}
              />
              {grouping !== 'together' && (
                <Text size="xs" c="dimmed" mt={4}>
                  {t('upload.makes', { amount: formatNumber(groups.length, i18n.language) })}
                </Text>
              )}
            </div>
          )}
          {tooMany && (
            <Text size="sm" c="var(--sodate-red-text)" role="alert">
              {t('upload.tooMany', { limit: formatNumber(FILES_PER_DATA_LIMIT, i18n.language) })}
            </Text>
          )}
          {named && (
            <TextInput label={t('data.name')} value={name} maxLength={255} onChange={(event) => setTypedName(event.currentTarget.value)} error={nameError} />
          )}
          {into === undefined && (
            <>
              <TagsField label={t('data.tags')} value={tags} onChange={setTags} />
              <Textarea
                label={t('data.memo')}
                value={memo}
                maxLength={10_000}
                autosize
                minRows={1}
                maxRows={6}
                onChange={(event) => setMemo(event.currentTarget.value)}
              />
            </>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" disabled={!ready}>
              {t('upload.start')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

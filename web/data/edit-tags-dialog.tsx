import { Button, Group, Modal, MultiSelect, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type Data, updateData } from '@sodate/contract/data.ts';
import { Tag } from '@sodate/contract/names.ts';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { eachThing } from '../kit/each-thing.ts';
import { usePlatform } from '../kit/platform.tsx';
import { formatNumber } from '../ui/formats.ts';
import { Refusals } from '../ui/refusals.tsx';
import { changeTags } from './change-tags.ts';
import { TagsField } from './tags-field.tsx';

/** Adds tags to, and takes tags from, many data at once; what else they carry stays. */
export function EditTagsDialog({
  tenant,
  data,
  onClose,
  onDone,
}: {
  readonly tenant: string;
  readonly data: readonly Data[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { t, i18n } = useTranslation();
  const { client, queries } = usePlatform();
  const [added, setAdded] = useState<readonly string[]>([]);
  const [removed, setRemoved] = useState<readonly string[]>([]);
  const present = [...new Set(data.flatMap(({ tags }) => tags))].sort();
  const change = useMutation({
    mutationFn: () =>
      eachThing(data, (one) => {
        const tags = changeTags(one.tags, added, removed);
        return tags === null ? Promise.resolve() : client.call(updateData, { params: { tenant, data: one.id }, body: { tags } });
      }),
    onSuccess: ({ done, refused }) => {
      void queries.invalidateQueries({ queryKey: [tenant, 'data'] });
      if (refused.length > 0) return;
      notifications.show({ message: t('data.tagsChanged', { amount: formatNumber(done.length, i18n.language) }) });
      onClose();
      onDone();
    },
  });
  const valid = added.every((tag) => Tag.safeParse(tag).success) && added.length + removed.length > 0;
  return (
    <Modal opened onClose={onClose} title={t('data.editTags')} centered closeButtonProps={{ 'aria-label': t('action.close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (valid) change.mutate();
        }}
      >
        <Stack>
          <Text size="sm">{t('data.editTagsText', { amount: formatNumber(data.length, i18n.language) })}</Text>
          <TagsField label={t('data.addTags')} value={added} onChange={setAdded} suggestions={present} />
          <MultiSelect label={t('data.removeTags')} data={present} value={[...removed]} onChange={setRemoved} disabled={present.length === 0} searchable />
          <Refusals refused={(change.data?.refused ?? []).map(({ thing, error }) => ({ name: thing.name, error }))} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" disabled={!valid} loading={change.isPending}>
              {t('action.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

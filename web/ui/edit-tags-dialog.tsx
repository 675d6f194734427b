import { Button, Group, Modal, MultiSelect, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Tag } from '@sodate/contract/names.ts';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { eachThing } from '../kit/each-thing.ts';
import { usePlatform } from '../kit/platform.tsx';
import { formatNumber } from './formats.ts';
import { Refusals } from './refusals.tsx';
import { changeTags } from './change-tags.ts';
import { TagsField } from './tags-field.tsx';

interface Tagged {
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
}

/** Adds tags to, and takes tags from, many things at once; what else they carry stays. */
export function EditTagsDialog({
  things,
  topic,
  onTag,
  onClose,
  onDone,
}: {
  readonly things: readonly Tagged[];
  /** The beginning of the keys of what is to be loaded again afterwards. */
  readonly topic: readonly [tenant: string, topic: 'data' | 'run'];
  readonly onTag: (id: string, tags: string[]) => Promise<unknown>;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { t, i18n } = useTranslation();
  const { queries } = usePlatform();
  const [added, setAdded] = useState<readonly string[]>([]);
  const [removed, setRemoved] = useState<readonly string[]>([]);
  const present = [...new Set(things.flatMap(({ tags }) => tags))].sort();
  const change = useMutation({
    mutationFn: () =>
      eachThing(things, (one) => {
        const tags = changeTags(one.tags, added, removed);
        return tags === null ? Promise.resolve() : onTag(one.id, tags);
      }),
    onSuccess: ({ done, refused }) => {
      void queries.invalidateQueries({ queryKey: topic });
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
          <Text size="sm">{t('data.editTagsText', { amount: formatNumber(things.length, i18n.language) })}</Text>
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

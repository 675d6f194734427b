import { Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core';
import { type Data, updateData } from '@sodate/contract/data.ts';
import { Tag, Title } from '@sodate/contract/names.ts';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { TagsField } from '../ui/tags-field.tsx';

export function EditDataDialog({ tenant, data, onClose }: { readonly tenant: string; readonly data: Data; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const [name, setName] = useState(data.name);
  const [memo, setMemo] = useState(data.memo);
  const [tags, setTags] = useState<readonly string[]>(data.tags);
  const save = useMutation({
    mutationFn: () => client.call(updateData, { params: { tenant, data: data.id }, body: { name, memo, tags: [...tags] } }),
    onSuccess: (changed) => {
      queries.setQueryData([tenant, 'data', data.id], changed);
      onClose();
    },
  });
  const valid = Title.safeParse(name).success && tags.every((tag) => Tag.safeParse(tag).success);
  return (
    <Modal opened onClose={onClose} title={t('data.editTitle')} centered closeButtonProps={{ 'aria-label': t('action.close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (valid) save.mutate();
        }}
      >
        <Stack>
          <TextInput
            label={t('data.name')}
            value={name}
            maxLength={255}
            onChange={(event) => setName(event.currentTarget.value)}
            error={Title.safeParse(name).success ? null : t('data.nameForm')}
            data-autofocus
          />
          <TagsField label={t('data.tags')} value={tags} onChange={setTags} />
          <Textarea
            label={t('data.memo')}
            value={memo}
            maxLength={10_000}
            autosize
            minRows={2}
            maxRows={10}
            onChange={(event) => setMemo(event.currentTarget.value)}
          />
          {save.error !== null && <ErrorPanel error={save.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" disabled={!valid} loading={save.isPending}>
              {t('action.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

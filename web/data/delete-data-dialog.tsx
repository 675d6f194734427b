import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type Data, deleteData } from '@sodate/contract/data.ts';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { eachThing } from '../kit/each-thing.ts';
import { usePlatform } from '../kit/platform.tsx';
import { formatNumber } from '../ui/formats.ts';
import { Refusals } from '../ui/refusals.tsx';

/** Deletes one or many. What is in use stays, with the reason shown here. */
export function DeleteDataDialog({
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
  const [first] = data;
  const remove = useMutation({
    mutationFn: () => eachThing(data, (one) => client.call(deleteData, { params: { tenant, data: one.id } })),
    onSuccess: ({ done, refused }) => {
      void queries.invalidateQueries({ queryKey: [tenant, 'data', 'list'] });
      if (refused.length > 0) return;
      notifications.show({ message: t('data.deleted', { amount: formatNumber(done.length, i18n.language) }) });
      onClose();
      onDone();
    },
  });
  return (
    <Modal
      opened
      onClose={onClose}
      centered
      title={
        data.length === 1 && first !== undefined
          ? t('data.deleteTitle', { name: first.name })
          : t('data.deleteTitleMany', { amount: formatNumber(data.length, i18n.language) })
      }
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <Stack>
        <Text size="sm">{t('data.deleteText')}</Text>
        <Refusals refused={(remove.data?.refused ?? []).map(({ thing, error }) => ({ name: thing.name, error }))} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t('action.cancel')}
          </Button>
          <Button color="red.9" loading={remove.isPending} onClick={() => remove.mutate()}>
            {t('run.deleteConfirm')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

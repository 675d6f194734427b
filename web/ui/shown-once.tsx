import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { CopyCode } from './copy-code.tsx';

/** A secret that the server shows this once. It closes by its button only, not by a click beside it. */
export function ShownOnce({
  title,
  text,
  secret,
  onClose,
}: {
  readonly title: string;
  readonly text: string;
  readonly secret: string;
  readonly onClose: () => void;
}) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} title={title} centered closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false}>
      <Stack>
        <Text size="sm">{text}</Text>
        <CopyCode text={secret} />
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('admin.keptIt')}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

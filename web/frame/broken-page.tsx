import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconMapPinQuestion } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { EmptyNote } from '../ui/empty-note.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';

/** No page has this address. */
export function NoSuchPage() {
  const { t } = useTranslation();
  usePageTitle(t('frame.notFoundTitle'));
  return (
    <EmptyNote icon={<IconMapPinQuestion size={40} stroke={1.3} />} title={t('frame.notFoundTitle')} text={t('frame.notFoundText')}>
      <Button component={Link} to="/" variant="default" size="xs">
        {t('action.back')}
      </Button>
    </EmptyNote>
  );
}

/** A page that could not be drawn; the rest of the frame goes on. */
export function BrokenPage({ error }: { readonly error: unknown }) {
  const { t } = useTranslation();
  return (
    <Stack p="md" maw={720} mx="auto">
      <Title order={1} size="h3">
        {t('frame.crashTitle')}
      </Title>
      <Text size="sm">{t('frame.crashText')}</Text>
      <ErrorPanel error={error} />
      <Group>
        <Button variant="default" onClick={() => window.location.reload()}>
          {t('action.retry')}
        </Button>
      </Group>
    </Stack>
  );
}

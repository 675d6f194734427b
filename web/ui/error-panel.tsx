import { Alert, Button, Code, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { errorWords } from './error-words.ts';

/** What went wrong, what to do, and what to tell an administrator; shown where it happened. */
export function ErrorPanel({ error, onRetry, children }: { readonly error: unknown; readonly onRetry?: () => void; readonly children?: ReactNode }) {
  const { t, i18n } = useTranslation();
  const { text, code, requestId } = errorWords(error, t, i18n.language);
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={t('error.title')} role="alert">
      <Text size="sm">{text}</Text>
      {children}
      {(code !== null || onRetry !== undefined) && (
        <Group gap="md" mt="xs">
          {onRetry !== undefined && (
            <Button size="compact-sm" variant="default" onClick={onRetry}>
              {t('action.retry')}
            </Button>
          )}
          {code !== null && (
            <Text size="xs">
              {t('error.code')} <Code>{code}</Code>
            </Text>
          )}
          {requestId !== null && (
            <Text size="xs">
              {t('error.requestId')} <Code>{requestId}</Code>
            </Text>
          )}
        </Group>
      )}
    </Alert>
  );
}

import { Alert, Button, Code, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './error-panel.module.css';
import { formatNumber } from './formats.ts';
import { useSentences } from './use-sentences.ts';
import { visibleName } from './visible-name.ts';

const THINGS_SHOWN = 8;

/** What went wrong, what to do, and what to tell an administrator; shown where it happened. */
export function ErrorPanel({ error, onRetry, children }: { readonly error: unknown; readonly onRetry?: () => void; readonly children?: ReactNode }) {
  const { t, i18n } = useTranslation();
  const { text, code, requestId, things } = useSentences().error(error);
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={t('error.title')} role="alert">
      <Text size="sm">{text}</Text>
      {things.length > 0 && (
        <ul className={classes['things']}>
          {things.slice(0, THINGS_SHOWN).map(({ kind, id, reference, name }) => (
            <li key={`${kind} ${id}`}>
              {kind === 'data' || kind === 'dataset' ? `${t(`lineage.kind.${kind}`)} ` : ''}
              {reference} <bdi>{visibleName(name)}</bdi>
            </li>
          ))}
          {things.length > THINGS_SHOWN && <li>{t('many.moreRefused', { amount: formatNumber(things.length - THINGS_SHOWN, i18n.language) })}</li>}
        </ul>
      )}
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

import { Alert, List, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { formatNumber } from './formats.ts';
import { useSentences } from './use-sentences.ts';

const SHOWN = 8;

/** Of something done to many: which of them refused, and why. */
export function Refusals({ refused }: { readonly refused: readonly { readonly name: string; readonly error: unknown }[] }) {
  const { t, i18n } = useTranslation();
  const sentences = useSentences();
  if (refused.length === 0) return null;
  return (
    <Alert color="red" variant="light" role="alert" title={t('many.refused', { amount: formatNumber(refused.length, i18n.language) })}>
      <List size="sm" spacing={4}>
        {refused.slice(0, SHOWN).map(({ name, error }, index) => (
          <List.Item key={index}>
            <Text size="sm" fw={550} span>
              {name}
            </Text>
            {': '}
            {sentences.error(error).text}
          </List.Item>
        ))}
      </List>
      {refused.length > SHOWN && (
        <Text size="sm" mt={4}>
          {t('many.moreRefused', { amount: formatNumber(refused.length - SHOWN, i18n.language) })}
        </Text>
      )}
    </Alert>
  );
}

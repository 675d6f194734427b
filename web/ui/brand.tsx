import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

export function Brand({ size = 28 }: { readonly size?: number }) {
  const { t } = useTranslation();
  return (
    <Group gap={10} wrap="nowrap">
      <img src="/favicon.svg" width={size} height={size} alt="" />
      <Text fw={650} fz={size * 0.64} lh={1} style={{ whiteSpace: 'nowrap' }}>
        {t('brand')}
      </Text>
    </Group>
  );
}

import { Box, Center, Group, Paper, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { LanguageSwitch } from '../frame/language-switch.tsx';
import { ThemeSwitch } from '../frame/theme-switch.tsx';
import { Brand } from '../ui/brand.tsx';

/** What lies around the pages that one sees before being signed in. */
export function SessionPage({ children }: { readonly children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Center mih="100dvh" p="md" bg="var(--sodate-quiet)">
      <Box w="100%" maw={400} component="main">
        <Stack align="center" gap={8} mb="lg">
          <Brand size={40} />
          <Text size="sm" c="dimmed" ta="center">
            {t('brandLine')}
          </Text>
        </Stack>
        <Paper withBorder p={{ base: 'md', xs: 'xl' }} radius="lg">
          {children}
        </Paper>
        <Group justify="center" mt="md" gap="xs">
          <LanguageSwitch />
          <ThemeSwitch />
        </Group>
      </Box>
    </Center>
  );
}

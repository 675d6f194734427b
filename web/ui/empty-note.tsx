import { Center, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** Says that there is nothing here, why, and what to do next. */
export function EmptyNote({
  icon,
  title,
  text,
  children,
}: {
  readonly icon: ReactNode;
  readonly title: string;
  readonly text?: string;
  readonly children?: ReactNode;
}) {
  return (
    <Center py={56} px="md">
      <Stack align="center" gap="xs" maw={520}>
        <Text c="dimmed" lh={1} aria-hidden>
          {icon}
        </Text>
        <Title order={3} size="h4" ta="center">
          {title}
        </Title>
        {text !== undefined && (
          <Text c="dimmed" size="sm" ta="center">
            {text}
          </Text>
        )}
        {children}
      </Stack>
    </Center>
  );
}

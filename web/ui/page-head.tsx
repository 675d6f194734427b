import { Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** The page's title with how much there is beside it, and what can be done here at the other end. */
export function PageHead({ title, note, children }: { readonly title: string; readonly note?: ReactNode; readonly children?: ReactNode }) {
  return (
    <Group justify="space-between" align="center" gap="xs">
      <Group gap="sm" align="baseline" miw={0}>
        <Title order={1} size="h2">
          {title}
        </Title>
        {note !== undefined && (
          <Text size="sm" c="dimmed" component="div" aria-live="polite">
            {note}
          </Text>
        )}
      </Group>
      {children !== undefined && <Group gap="xs">{children}</Group>}
    </Group>
  );
}

import { Box, Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { TagList } from './tag-list.tsx';

/** The head of a thing's page: what sort of thing, its name, tags and memo, and what can be done with it. */
export function ThingHead({
  over,
  name,
  tags = [],
  memo,
  badge,
  children,
}: {
  readonly over: string;
  readonly name: string;
  readonly tags?: readonly string[];
  readonly memo: string;
  readonly badge?: ReactNode;
  readonly children?: ReactNode;
}) {
  return (
    <Group justify="space-between" align="flex-start" gap="sm">
      <Box miw={0} flex="1 1 240px">
        <Text size="sm" c="dimmed">
          {over}
        </Text>
        <Group gap="xs" align="center">
          <Title order={1} fz={{ base: 20, sm: 26 }} style={{ overflowWrap: 'anywhere' }}>
            {name}
          </Title>
          {badge}
        </Group>
        {(tags.length > 0 || memo !== '') && (
          <Group gap={8} mt={6}>
            <TagList tags={tags} />
            {memo !== '' && (
              <Text size="sm" c="dimmed" style={{ whiteSpace: 'pre-wrap' }}>
                {memo}
              </Text>
            )}
          </Group>
        )}
      </Box>
      <Group gap="xs">{children}</Group>
    </Group>
  );
}

import { Badge, Box, Group, Progress, Stack, Text } from '@mantine/core';
import type { Node } from '@sodate/contract/nodes.ts';
import { useTranslation } from 'react-i18next';
import { formatBytes, formatNumber } from '../ui/formats.ts';

type Amounts = Node['capacity'];

/** A node with what is free and used of it. */
export function NodeUsage({ node }: { readonly node: Node }) {
  return (
    <Stack gap={6}>
      <Group gap={6} justify="space-between">
        <Text size="sm" fw={550} style={{ overflowWrap: 'anywhere' }}>
          {node.name}
        </Text>
        <NodeBadges node={node} />
      </Group>
      {node.problem !== null && (
        <Text size="xs" c="var(--sodate-red-text)">
          {node.problem}
        </Text>
      )}
      <ResourceBars capacity={node.capacity} used={node.used} />
    </Stack>
  );
}

export function NodeBadges({ node }: { readonly node: Node }) {
  const { t } = useTranslation();
  return (
    <Group gap={4}>
      {node.partition !== null && (
        <Badge size="sm" variant="default" tt="none" radius="sm" fw={450}>
          {t('nodes.partition', { name: node.partition })}
        </Badge>
      )}
      {!node.enabled && (
        <Badge size="sm" color="gray" variant="light" tt="none" radius="sm">
          {t('nodes.disabled')}
        </Badge>
      )}
      {node.problem !== null && (
        <Badge size="sm" color="red" variant="light" tt="none" radius="sm">
          {t('nodes.unhealthy')}
        </Badge>
      )}
    </Group>
  );
}

export function ResourceBars({ capacity, used }: { readonly capacity: Amounts; readonly used: Amounts }) {
  const { t, i18n } = useTranslation();
  const say = (name: keyof Amounts, amount: number): string =>
    name === 'memory' ? formatBytes(Math.max(0, amount), i18n.language) : formatNumber(Math.max(0, amount), i18n.language);
  return (['cpu', 'memory', 'gpus'] as const)
    .filter((name) => name !== 'gpus' || capacity.gpus > 0)
    .map((name) => {
      const part = capacity[name] > 0 ? Math.min(1, used[name] / capacity[name]) : 0;
      const words = t('nodes.free', { free: say(name, capacity[name] - used[name]), total: say(name, capacity[name]) });
      return (
        <Box key={name}>
          <Group justify="space-between" gap={4}>
            <Text size="xs" c="dimmed">
              {t(`nodes.${name}`)}
            </Text>
            <Text size="xs">{words}</Text>
          </Group>
          <Progress value={part * 100} size="sm" color={part > 0.9 ? 'orange' : 'leaf'} aria-label={`${t(`nodes.${name}`)}: ${words}`} />
        </Box>
      );
    });
}

import { Alert, Badge, Group, NumberInput, Select, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { getTenant } from '@sodate/contract/tenants.ts';
import { useQuery } from '@tanstack/react-query';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatBytes, formatNumber } from '../ui/formats.ts';
import { type Fit, fitOf } from './node-fit.ts';
import { nodesQuery } from './node-queries.ts';
import classes from './resource-chooser.module.css';

const GIGABYTE = 1_000_000_000;
const FIT_COLORS: Readonly<Record<Fit, string>> = { now: 'green', later: 'blue', small: 'orange', unsuited: 'gray' };

export interface ChosenResources {
  readonly cpu: number;
  /** In bytes. */
  readonly memory: number;
  readonly gpus: number;
  readonly partition: string;
}

/** What a run asks for, beside what the machines really have: what could never be held is said before it is submitted. */
export function ResourceChooser({
  tenant,
  image,
  value,
  onChange,
}: {
  readonly tenant: string;
  readonly image: string;
  readonly value: ChosenResources;
  readonly onChange: (change: Partial<ChosenResources>) => void;
}) {
  const { t, i18n } = useTranslation();
  const client = useClient();
  const nodes = useQuery(nodesQuery(client, tenant));
  const owner = useQuery({ queryKey: [tenant, 'tenant'], queryFn: ({ signal }) => client.call(getTenant, { params: { tenant }, signal }) });
  const quota = owner.data?.quota;
  const asked = {
    resources: { cpu: value.cpu, memory: value.memory, gpus: value.gpus },
    image,
    partition: value.partition === '' ? null : value.partition,
    executors: owner.data?.executors ?? null,
  };
  const fits = (nodes.data?.items ?? []).map((node) => ({ node, fit: fitOf(node, asked) }));
  const partitions = [...new Set((nodes.data?.items ?? []).flatMap(({ partition }) => partition ?? []))].sort();
  if (value.partition !== '' && !partitions.includes(value.partition)) partitions.push(value.partition);
  const hopeless = nodes.data !== undefined && fits.every(({ fit }) => fit === 'small' || fit === 'unsuited');
  const over = (['cpu', 'memory', 'gpus'] as const).filter((name) => {
    const limit = quota?.[name] ?? null;
    return limit !== null && value[name] > limit;
  });
  const number = (given: number | string): number => (typeof given === 'number' ? given : Number(given) || 0);
  const say = (name: 'cpu' | 'memory' | 'gpus', amount: number): string =>
    name === 'memory' ? formatBytes(amount, i18n.language) : formatNumber(amount, i18n.language);
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="md">
        <NumberInput
          label={t('submit.cpu')}
          value={value.cpu}
          min={0.001}
          max={4096}
          step={1}
          decimalScale={3}
          onChange={(cpu) => onChange({ cpu: number(cpu) })}
          error={value.cpu < 0.001 ? t('submit.error.cpu') : null}
        />
        <NumberInput
          label={t('submit.memory')}
          value={value.memory / GIGABYTE}
          min={0.001}
          max={64_000}
          step={1}
          decimalScale={3}
          suffix=" GB"
          onChange={(gigabytes) => onChange({ memory: Math.round(number(gigabytes) * GIGABYTE) })}
          error={value.memory < 1_000_000 ? t('submit.error.memory') : null}
        />
        <NumberInput
          label={t('submit.gpus')}
          value={value.gpus}
          min={0}
          max={1024}
          allowDecimal={false}
          onChange={(gpus) => onChange({ gpus: number(gpus) })}
        />
        <Select
          label={t('request.partition')}
          value={value.partition}
          allowDeselect={false}
          data={[{ value: '', label: t('request.anyPartition') }, ...partitions.map((name) => ({ value: name, label: name }))]}
          onChange={(partition) => onChange({ partition: partition ?? '' })}
        />
      </SimpleGrid>
      {over.map((name) => (
        <Alert key={name} color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} role="alert">
          {t('submit.overQuota', { what: t(`nodes.${name}`), limit: say(name, quota?.[name] ?? 0) })}
        </Alert>
      ))}
      {hopeless && (
        <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />} role="alert" title={t('submit.hopelessTitle')}>
          {t('submit.hopelessText')}
        </Alert>
      )}
      {nodes.error !== null && <ErrorPanel error={nodes.error} onRetry={() => void nodes.refetch()} />}
      {nodes.isPending && <Skeleton h={60} />}
      {fits.length > 0 && (
        <ul className={classes['nodes']} aria-label={t('home.machines')}>
          {fits.map(({ node, fit }) => (
            <li key={node.id} className={classes['node']}>
              <Text size="sm" fw={550} className={classes['name'] ?? ''}>
                {node.name}
              </Text>
              <Group gap="2px 16px" flex="1 1 220px">
                {(['cpu', 'memory', 'gpus'] as const)
                  .filter((name) => name !== 'gpus' || node.capacity.gpus > 0 || value.gpus > 0)
                  .map((name) => (
                    <Text key={name} size="xs" c="dimmed">
                      {t(`nodes.${name}`)}:{' '}
                      {t('nodes.free', { free: say(name, Math.max(0, node.capacity[name] - node.used[name])), total: say(name, node.capacity[name]) })}
                    </Text>
                  ))}
              </Group>
              <Badge color={FIT_COLORS[fit]} variant="light" tt="none" radius="sm">
                {t(`submit.fit.${fit}`)}
              </Badge>
            </li>
          ))}
        </ul>
      )}
    </Stack>
  );
}

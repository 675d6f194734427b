import { Alert, Anchor, Badge, Button, SimpleGrid, Skeleton, Text, Title } from '@mantine/core';
import type { Run } from '@sodate/contract/run-routes.ts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconDatabase, IconGitCommit, IconPlayerPlay, IconStack2 } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { lineageQuery } from './lineage-queries.ts';
import { lineageTree, type TreeItem } from './lineage-tree.ts';
import classes from './run-lineage.module.css';

/** A data set has thousands of data; so many are shown at once. */
const SHOWN_AT_FIRST = 8;
const KIND_ICONS = { data: IconStack2, dataset: IconDatabase, run: IconPlayerPlay, commit: IconGitCommit } as const;

/** What a run came from and what came from it. */
export function RunLineage({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
      <Direction tenant={tenant} run={run} direction="ancestors" />
      <Direction tenant={tenant} run={run} direction="descendants" />
    </SimpleGrid>
  );
}

function Direction({ tenant, run, direction }: { readonly tenant: string; readonly run: Run; readonly direction: 'ancestors' | 'descendants' }) {
  const { t } = useTranslation();
  const query = useQuery(lineageQuery(useClient(), tenant, run.id, direction));
  const items = query.data === undefined ? null : lineageTree(query.data, { kind: 'run', id: run.id }, direction);
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        {t(`lineage.${direction}`)}
      </Title>
      {query.error !== null && <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton h={120} />}
      {items !== null && items.length === 0 && (
        <Text size="sm" c="dimmed">
          {t(direction === 'ancestors' ? 'lineage.noAncestors' : 'lineage.noDescendants')}
        </Text>
      )}
      {items !== null && <Branches tenant={tenant} items={items} />}
      {query.data?.truncated === true && (
        <Alert color="yellow" variant="light" mt="sm">
          {t('lineage.truncated')}
        </Alert>
      )}
    </section>
  );
}

function Branches({ tenant, items }: { readonly tenant: string; readonly items: readonly TreeItem[] }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  if (items.length === 0) return null;
  return (
    <ul className={classes['branches']}>
      {(all ? items : items.slice(0, SHOWN_AT_FIRST)).map((item) => (
        <li key={item.key}>
          <Thing tenant={tenant} item={item} />
          <Branches tenant={tenant} items={item.branches} />
        </li>
      ))}
      {items.length > SHOWN_AT_FIRST && (
        <li>
          <Button size="compact-xs" variant="subtle" onClick={() => setAll(!all)}>
            {all ? t('action.showLess') : t('action.showAll', { amount: items.length })}
          </Button>
        </li>
      )}
    </ul>
  );
}

function Thing({ tenant, item: { node, again } }: { readonly tenant: string; readonly item: TreeItem }) {
  const { t } = useTranslation();
  const Icon = KIND_ICONS[node.kind];
  return (
    <span className={classes['thing']}>
      <Icon size={16} aria-hidden />
      <Text span size="xs" c="dimmed">
        {t(`lineage.kind.${node.kind}`)}
      </Text>
      {node.kind === 'run' && !node.deleted ? (
        <Anchor size="sm" component={Link} to={`/tenants/${tenant}/runs/${node.id}`}>
          {node.label}
        </Anchor>
      ) : (
        <Text span size="sm" td={node.deleted ? 'line-through' : undefined}>
          {node.label}
        </Text>
      )}
      {node.deleted && (
        <Badge size="xs" color="gray" variant="light" tt="none">
          {t('lineage.deleted')}
        </Badge>
      )}
      {again && (
        <Text span size="xs" c="dimmed">
          ({t('lineage.again')})
        </Text>
      )}
    </span>
  );
}

import { Alert, Anchor, Badge, Button, SimpleGrid, Skeleton, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { type LineageRoot, lineageQuery } from './lineage-queries.ts';
import { KIND_ICONS, pageOfThing } from './lineage-words.ts';
import { lineageTree, type TreeItem } from './lineage-tree.ts';
import classes from './lineage-list.module.css';

/** A data set has thousands of data; so many are shown at once. */
const SHOWN_AT_FIRST = 8;

/** What a thing came from and what came from it, as text. */
export function LineageList({ tenant, root }: { readonly tenant: string; readonly root: LineageRoot }) {
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
      <Direction tenant={tenant} root={root} direction="ancestors" />
      <Direction tenant={tenant} root={root} direction="descendants" />
    </SimpleGrid>
  );
}

function Direction({ tenant, root, direction }: { readonly tenant: string; readonly root: LineageRoot; readonly direction: 'ancestors' | 'descendants' }) {
  const { t } = useTranslation();
  const query = useQuery(lineageQuery(useClient(), tenant, root, direction));
  const items = query.data === undefined ? null : lineageTree(query.data, root, direction);
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
  const page = pageOfThing(tenant, node);
  return (
    <span className={classes['thing']}>
      <Icon size={16} aria-hidden />
      <Text span size="xs" c="dimmed">
        {t(`lineage.kind.${node.kind}`)}
      </Text>
      {page !== null ? (
        <Anchor size="sm" component={Link} to={page}>
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

import { Button, Paper, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import { PartitionName } from '@sodate/contract/names.ts';
import { type Node, updateNode } from '@sodate/contract/nodes.ts';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { Moment } from '../ui/moment.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { nodesQuery } from './node-queries.ts';
import { NodeUsage } from './node-usage.tsx';

/** The machines: what they have, what is in use, to which partition they belong. */
export function NodesPanel({ tenant }: { readonly tenant: string }) {
  const { t } = useTranslation();
  const { client } = usePlatform();
  const nodes = useQuery(nodesQuery(client, tenant));
  const items = nodes.data?.items ?? [];
  return (
    <Stack gap="md">
      <PanelState query={nodes} empty={items.length === 0 ? t('home.noMachines') : null} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        {items.map((node) => (
          <NodeCard key={node.id} tenant={tenant} node={node} />
        ))}
      </SimpleGrid>
    </Stack>
  );
}

function NodeCard({ tenant, node }: { readonly tenant: string; readonly node: Node }) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const { systemAdmin } = useMe();
  const [editing, setEditing] = useState(false);
  const refresh = (): void => void queries.invalidateQueries({ queryKey: [tenant, 'node'] });
  const enable = useMutation({
    mutationFn: (enabled: boolean) => client.call(updateNode, { params: { node: node.id }, body: { enabled } }),
    onSuccess: refresh,
  });
  return (
    <Paper withBorder p="md" component="article" aria-label={node.name}>
      <Stack gap="sm">
        <NodeUsage node={node} />
        <Text size="xs" c="dimmed">
          {node.executors.map(({ id, isolation }) => `${id} (${t(`timeline.isolation.${isolation}`)})`).join(', ')} · {t('nodes.seen')}{' '}
          <Moment at={node.seenAt} />
        </Text>
        {enable.error !== null && <ErrorPanel error={enable.error} />}
        {systemAdmin && (
          <>
            <Switch
              label={t('admin.nodeEnabled')}
              description={t('admin.nodeEnabledHint')}
              checked={node.enabled}
              disabled={enable.isPending}
              onChange={(event) => enable.mutate(event.currentTarget.checked)}
            />
            <Button size="xs" variant="default" w="fit-content" onClick={() => setEditing(true)}>
              {t('admin.setPartition')}
            </Button>
          </>
        )}
      </Stack>
      {editing && <PartitionForm node={node} onClose={() => setEditing(false)} onDone={refresh} />}
    </Paper>
  );
}

function PartitionForm({ node, onClose, onDone }: { readonly node: Node; readonly onClose: () => void; readonly onDone: () => void }) {
  const { t } = useTranslation();
  const { client } = usePlatform();
  const [partition, setPartition] = useState(node.partition ?? '');
  const save = useMutation({
    mutationFn: () => client.call(updateNode, { params: { node: node.id }, body: { partition: partition === '' ? null : partition } }),
    onSuccess: () => {
      onDone();
      onClose();
    },
  });
  const right = partition === '' || PartitionName.safeParse(partition).success;
  return (
    <FormDialog
      title={t('admin.setPartition')}
      submit={t('action.save')}
      valid={right}
      sending={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <TextInput
        label={t('request.partition')}
        description={t('admin.partitionHint')}
        value={partition}
        maxLength={63}
        onChange={(event) => setPartition(event.currentTarget.value)}
        error={right ? null : t('admin.partitionForm')}
        data-autofocus
      />
    </FormDialog>
  );
}

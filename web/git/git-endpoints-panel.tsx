import { Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { createGitEndpoint, deleteGitEndpoint, type GitEndpoint, listGitEndpoints } from '@sodate/contract/git.ts';
import { Title } from '@sodate/contract/names.ts';
import { useMutation, useQuery } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { SettingList, SettingRow } from '../ui/setting-list.tsx';

const ASKED_AGAIN_AFTER_MS = 15_000;

/** Where repositories come from, for all tenants. */
export function GitEndpointsPanel() {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const { systemAdmin } = useMe();
  const endpoints = useQuery({
    queryKey: ['git-endpoints'],
    queryFn: ({ signal }) => client.call(listGitEndpoints, { signal }),
    refetchInterval: ASKED_AGAIN_AFTER_MS,
  });
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<GitEndpoint | null>(null);
  const refresh = (): void => void queries.invalidateQueries({ queryKey: ['git-endpoints'] });
  const remove = useMutation({
    mutationFn: (endpoint: GitEndpoint) => client.call(deleteGitEndpoint, { params: { endpoint: endpoint.id } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const items = endpoints.data?.items ?? [];
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {t('admin.gitText')}
      </Text>
      {systemAdmin && (
        <Group>
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
            {t('admin.newEndpoint')}
          </Button>
        </Group>
      )}
      <PanelState query={endpoints} empty={items.length === 0 ? t('submit.noGitTitle') : null} />
      {items.length > 0 && (
        <SettingList label={t('admin.section.git')}>
          {items.map((endpoint) => (
            <SettingRow
              key={endpoint.id}
              title={endpoint.name}
              note={endpoint.root ?? undefined}
              badges={
                <Badge size="sm" variant="default" tt="none" radius="sm" fw={450}>
                  {endpoint.kind}
                </Badge>
              }
            >
              {systemAdmin && (
                <Button size="xs" variant="default" onClick={() => setLeaving(endpoint)}>
                  {t('action.delete')}
                </Button>
              )}
            </SettingRow>
          ))}
        </SettingList>
      )}
      {adding && <EndpointForm onClose={() => setAdding(false)} onDone={refresh} />}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('data.deleteTitle', { name: leaving?.name ?? '' })}
        text={t('admin.deleteEndpointText')}
        confirm={t('run.deleteConfirm')}
        working={remove.isPending}
        error={remove.error}
        onConfirm={() => leaving !== null && remove.mutate(leaving)}
        onClose={() => {
          setLeaving(null);
          remove.reset();
        }}
      />
    </Stack>
  );
}

function EndpointForm({ onClose, onDone }: { readonly onClose: () => void; readonly onDone: () => void }) {
  const { t } = useTranslation();
  const { client } = usePlatform();
  const [name, setName] = useState('');
  const [root, setRoot] = useState('');
  const create = useMutation({
    mutationFn: () => client.call(createGitEndpoint, { body: { name, kind: 'local', root: root.trim() } }),
    onSuccess: () => {
      onDone();
      onClose();
    },
  });
  return (
    <FormDialog
      title={t('admin.newEndpoint')}
      submit={t('action.create')}
      valid={Title.safeParse(name).success && root.trim() !== ''}
      sending={create.isPending}
      error={create.error}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      <TextInput label={t('data.name')} value={name} maxLength={255} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
      <TextInput
        label={t('admin.root')}
        description={t('admin.rootHint')}
        value={root}
        maxLength={4096}
        spellCheck={false}
        onChange={(event) => setRoot(event.currentTarget.value)}
      />
    </FormDialog>
  );
}

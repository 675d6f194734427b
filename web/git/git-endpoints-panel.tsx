import { Badge, Button, Code, Group, Stack, Text } from '@mantine/core';
import { deleteGitEndpoint, type GitEndpoint } from '@sodate/contract/git.ts';
import { useMutation, useQuery } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { SettingList, SettingRow } from '../ui/setting-list.tsx';
import { EndpointForm } from './endpoint-form.tsx';
import { gitEndpointsQuery } from './git-queries.ts';
import { TryEndpointDialog } from './try-endpoint-dialog.tsx';

const ASKED_AGAIN_AFTER_MS = 15_000;

/** Where repositories come from, for all tenants. */
export function GitEndpointsPanel({ tenant }: { readonly tenant: string }) {
  const { t } = useTranslation();
  const { t: tg } = useTranslation('git');
  const { client, queries } = usePlatform();
  const { systemAdmin } = useMe();
  const endpoints = useQuery({ ...gitEndpointsQuery(client), refetchInterval: ASKED_AGAIN_AFTER_MS });
  const [editing, setEditing] = useState<GitEndpoint | 'new' | null>(null);
  const [trying, setTrying] = useState<GitEndpoint | null>(null);
  const [leaving, setLeaving] = useState<GitEndpoint | null>(null);
  const refresh = (): void => void queries.invalidateQueries({ queryKey: gitEndpointsQuery(client).queryKey });
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
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
            {t('admin.newEndpoint')}
          </Button>
        </Group>
      )}
      <PanelState query={endpoints} empty={items.length === 0 ? tg('noEndpoints') : null} />
      {items.length > 0 && (
        <SettingList label={t('admin.section.git')}>
          {items.map((endpoint) => (
            <SettingRow
              key={endpoint.id}
              title={endpoint.name}
              note={<EndpointNote endpoint={endpoint} />}
              badges={
                <Badge size="sm" variant="default" tt="none" radius="sm" fw={450}>
                  {tg(`kind.${endpoint.kind}`)}
                </Badge>
              }
            >
              <Button size="xs" variant="default" onClick={() => setTrying(endpoint)}>
                {tg('try')}
              </Button>
              {systemAdmin && (
                <>
                  <Button size="xs" variant="default" onClick={() => setEditing(endpoint)}>
                    {t('action.edit')}
                  </Button>
                  <Button size="xs" variant="default" onClick={() => setLeaving(endpoint)}>
                    {t('action.delete')}
                  </Button>
                </>
              )}
            </SettingRow>
          ))}
        </SettingList>
      )}
      {editing !== null && <EndpointForm endpoint={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onDone={refresh} />}
      {trying !== null && <TryEndpointDialog tenant={tenant} endpoint={trying} onClose={() => setTrying(null)} />}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('data.deleteTitle', { name: leaving?.name ?? '' })}
        text={tg('deleteText')}
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

/** Where it is, and for SSH by which keys it is known. */
function EndpointNote({ endpoint }: { readonly endpoint: GitEndpoint }) {
  const { t } = useTranslation('git');
  return (
    <>
      {endpoint.url ?? endpoint.root}
      {endpoint.apiUrl !== null && <div>{t('api', { url: endpoint.apiUrl })}</div>}
      {endpoint.hostKeys.map(({ type, fingerprint }) => (
        <div key={fingerprint}>
          {type} <Code fz="xs">{fingerprint}</Code>
        </div>
      ))}
    </>
  );
}

import { Badge, Button, Checkbox, Group, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { Title } from '@sodate/contract/names.ts';
import { createRegistry, deleteRegistry, listRegistries, type Registry, RegistryAddress, updateRegistry } from '@sodate/contract/registries.ts';
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

/** Where container images come from, for all tenants. */
export function RegistriesPanel() {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const { systemAdmin } = useMe();
  const registries = useQuery({
    queryKey: ['registries'],
    queryFn: ({ signal }) => client.call(listRegistries, { signal }),
    refetchInterval: ASKED_AGAIN_AFTER_MS,
  });
  const [editing, setEditing] = useState<Registry | 'new' | null>(null);
  const [leaving, setLeaving] = useState<Registry | null>(null);
  const refresh = (): void => void queries.invalidateQueries({ queryKey: ['registries'] });
  const remove = useMutation({
    mutationFn: (registry: Registry) => client.call(deleteRegistry, { params: { registry: registry.id } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const items = registries.data?.items ?? [];
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {t('admin.registriesText')}
      </Text>
      {systemAdmin && (
        <Group>
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
            {t('admin.newRegistry')}
          </Button>
        </Group>
      )}
      <PanelState query={registries} empty={items.length === 0 ? t('admin.noRegistries') : null} />
      {items.length > 0 && (
        <SettingList label={t('admin.section.registries')}>
          {items.map((registry) => (
            <SettingRow
              key={registry.id}
              title={registry.name}
              note={registry.address}
              badges={
                registry.insecure && (
                  <Badge size="sm" color="orange" variant="light" tt="none" radius="sm" c="var(--mantine-color-text)">
                    http
                  </Badge>
                )
              }
            >
              {systemAdmin && (
                <>
                  <Button size="xs" variant="default" onClick={() => setEditing(registry)}>
                    {t('action.edit')}
                  </Button>
                  <Button size="xs" variant="default" onClick={() => setLeaving(registry)}>
                    {t('action.delete')}
                  </Button>
                </>
              )}
            </SettingRow>
          ))}
        </SettingList>
      )}
      {editing !== null && <RegistryForm registry={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onDone={refresh} />}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('data.deleteTitle', { name: leaving?.name ?? '' })}
        text={t('admin.deleteRegistryText')}
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

function RegistryForm({ registry, onClose, onDone }: { readonly registry: Registry | null; readonly onClose: () => void; readonly onDone: () => void }) {
  const { t } = useTranslation();
  const { client } = usePlatform();
  const [name, setName] = useState(registry?.name ?? '');
  const [address, setAddress] = useState(registry?.address ?? '');
  const [insecure, setInsecure] = useState(registry?.insecure ?? false);
  const [tokenHosts, setTokenHosts] = useState<string[]>([...(registry?.tokenHosts ?? [])]);
  const send = useMutation({
    mutationFn: () =>
      registry === null
        ? client.call(createRegistry, { body: { name, address, insecure, tokenHosts } })
        : client.call(updateRegistry, { params: { registry: registry.id }, body: { name, insecure, tokenHosts } }),
    onSuccess: () => {
      onDone();
      onClose();
    },
  });
  const addressRight = registry !== null || RegistryAddress.safeParse(address).success;
  return (
    <FormDialog
      title={registry === null ? t('admin.newRegistry') : t('datasets.edit', { name: registry.name })}
      submit={registry === null ? t('action.create') : t('action.save')}
      valid={Title.safeParse(name).success && addressRight}
      sending={send.isPending}
      error={send.error}
      onSubmit={() => send.mutate()}
      onClose={onClose}
    >
      <TextInput label={t('data.name')} value={name} maxLength={255} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
      <TextInput
        label={t('admin.address')}
        description={t('admin.addressHint')}
        value={address}
        disabled={registry !== null}
        spellCheck={false}
        onChange={(event) => setAddress(event.currentTarget.value)}
        error={address !== '' && !addressRight ? t('admin.addressForm') : null}
      />
      <TagsInput label={t('admin.tokenHosts')} description={t('admin.tokenHostsHint')} value={tokenHosts} maxTags={8} onChange={setTokenHosts} />
      <Checkbox
        label={t('admin.insecure')}
        description={t('admin.insecureHint')}
        checked={insecure}
        onChange={(event) => setInsecure(event.currentTarget.checked)}
      />
    </FormDialog>
  );
}

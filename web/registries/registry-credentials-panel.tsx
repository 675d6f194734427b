import { Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import {
  deleteRegistryCredential,
  listRegistryCredentials,
  putRegistryCredential,
  RegistryAddress,
  type RegistryCredential,
} from '@sodate/contract/registries.ts';
import { useMutation, useQuery } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { mayAdminister } from '../tenants/rights.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { Moment } from '../ui/moment.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { SettingList, SettingRow } from '../ui/setting-list.tsx';

/** As whom a tenant pulls images. Passwords go in and never come out. */
export function RegistryCredentialsPanel({ tenant }: { readonly tenant: string }) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const may = mayAdminister(useMe(), tenant);
  const key = [tenant, 'registry-credentials'];
  const credentials = useQuery({ queryKey: key, queryFn: ({ signal }) => client.call(listRegistryCredentials, { params: { tenant }, signal }) });
  const [editing, setEditing] = useState<RegistryCredential | 'new' | null>(null);
  const [leaving, setLeaving] = useState<RegistryCredential | null>(null);
  const refresh = (): void => void queries.invalidateQueries({ queryKey: key });
  const remove = useMutation({
    mutationFn: ({ host }: RegistryCredential) => client.call(deleteRegistryCredential, { params: { tenant, host } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const items = credentials.data?.items ?? [];
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {t('admin.credentialsText')}
      </Text>
      {may && (
        <Group>
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
            {t('admin.newCredential')}
          </Button>
        </Group>
      )}
      <PanelState query={credentials} empty={items.length === 0 ? t('admin.noCredentials') : null} />
      {items.length > 0 && (
        <SettingList label={t('admin.section.credentials')}>
          {items.map((credential) => (
            <SettingRow
              key={credential.id}
              title={credential.host}
              note={
                <>
                  {credential.userName} · <Moment at={credential.setAt} />
                </>
              }
            >
              {may && (
                <>
                  <Button size="xs" variant="default" onClick={() => setEditing(credential)}>
                    {t('action.edit')}
                  </Button>
                  <Button size="xs" variant="default" onClick={() => setLeaving(credential)}>
                    {t('action.delete')}
                  </Button>
                </>
              )}
            </SettingRow>
          ))}
        </SettingList>
      )}
      {editing !== null && <CredentialForm tenant={tenant} credential={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onDone={refresh} />}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('data.deleteTitle', { name: leaving?.host ?? '' })}
        text={t('admin.deleteCredentialText')}
        confirm={t('action.delete')}
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

function CredentialForm({
  tenant,
  credential,
  onClose,
  onDone,
}: {
  readonly tenant: string;
  readonly credential: RegistryCredential | null;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { t } = useTranslation();
  const { client } = usePlatform();
  const [host, setHost] = useState(credential?.host ?? '');
  const [userName, setUserName] = useState(credential?.userName ?? '');
  const [password, setPassword] = useState('');
  const put = useMutation({
    mutationFn: () => client.call(putRegistryCredential, { params: { tenant, host }, body: { userName, password } }),
    onSuccess: () => {
      onDone();
      onClose();
    },
  });
  const hostRight = RegistryAddress.safeParse(host).success;
  return (
    <FormDialog
      title={credential === null ? t('admin.newCredential') : t('datasets.edit', { name: credential.host })}
      submit={t('action.save')}
      valid={hostRight && userName !== '' && password !== ''}
      sending={put.isPending}
      error={put.error}
      onSubmit={() => put.mutate()}
      onClose={onClose}
    >
      <TextInput
        label={t('admin.address')}
        description={t('admin.addressHint')}
        value={host}
        disabled={credential !== null}
        spellCheck={false}
        onChange={(event) => setHost(event.currentTarget.value)}
        error={host !== '' && !hostRight ? t('admin.addressForm') : null}
      />
      <TextInput
        label={t('session.name')}
        value={userName}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setUserName(event.currentTarget.value)}
      />
      <PasswordInput label={t('session.password')} value={password} autoComplete="new-password" onChange={(event) => setPassword(event.currentTarget.value)} />
    </FormDialog>
  );
}

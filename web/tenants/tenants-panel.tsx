import { Badge, Button, Checkbox, Group, NumberInput, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { TenantName, Title } from '@sodate/contract/names.ts';
import { createTenant, deleteTenant, listTenants, type Tenant, updateTenant } from '@sodate/contract/tenants.ts';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { formatBytes, formatNumber } from '../ui/formats.ts';
import { PanelState } from '../ui/panel-state.tsx';
import { SettingList, SettingRow } from '../ui/setting-list.tsx';

/** No event tells of tenants, users, registries and endpoints: lists of them are asked for again from time to time. */
const ASKED_AGAIN_AFTER_MS = 15_000;
const GIGABYTE = 1_000_000_000;

/** All tenants, with what they may use. */
export function TenantsPanel() {
  const { t, i18n } = useTranslation();
  const { client, queries } = usePlatform();
  const tenants = useInfiniteQuery({
    queryKey: ['tenants', 'administered'],
    queryFn: ({ signal, pageParam }) => client.call(listTenants, { query: { limit: 100, cursor: pageParam }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    refetchInterval: ASKED_AGAIN_AFTER_MS,
  });
  const [editing, setEditing] = useState<Tenant | 'new' | null>(null);
  const [leaving, setLeaving] = useState<Tenant | null>(null);
  const refresh = (): void => {
    void queries.invalidateQueries({ queryKey: ['tenants'] });
    void queries.invalidateQueries({ queryKey: ['me'] });
  };
  const remove = useMutation({
    mutationFn: (tenant: Tenant) => client.call(deleteTenant, { params: { tenant: tenant.id } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const items = tenants.data?.pages.flatMap((page) => page.items) ?? [];
  const quotaWords = ({ quota }: Tenant): string => {
    const parts = [
      quota.cpu === null ? null : t('request.cores', { cores: formatNumber(quota.cpu, i18n.language) }),
      quota.memory === null ? null : formatBytes(quota.memory, i18n.language),
      quota.gpus === null ? null : t('request.gpuAmount', { gpus: quota.gpus }),
    ].filter((part) => part !== null);
    return parts.length === 0 ? t('waiting.unlimited') : parts.join(' · ');
  };
  return (
    <Stack gap="md">
      <Group>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
          {t('admin.newTenant')}
        </Button>
      </Group>
      <PanelState query={tenants} empty={items.length === 0 ? t('tenants.noneTitle') : null} />
      {items.length > 0 && (
        <SettingList label={t('admin.section.tenants')}>
          {items.map((tenant) => (
            <SettingRow
              key={tenant.id}
              title={tenant.displayName}
              note={`${tenant.name} · ${quotaWords(tenant)}${tenant.executors === null ? '' : ` · ${tenant.executors.join(', ')}`}`}
              badges={
                tenant.dropCapabilities && (
                  <Badge size="sm" variant="default" tt="none" radius="sm" fw={450}>
                    {t('admin.noCapabilities')}
                  </Badge>
                )
              }
            >
              <Button size="xs" variant="default" component={Link} to={`/tenants/${tenant.name}`}>
                {t('admin.open')}
              </Button>
              <Button size="xs" variant="default" onClick={() => setEditing(tenant)}>
                {t('action.edit')}
              </Button>
              <Button size="xs" variant="default" onClick={() => setLeaving(tenant)}>
                {t('action.delete')}
              </Button>
            </SettingRow>
          ))}
        </SettingList>
      )}
      {tenants.hasNextPage && (
        <Button variant="default" loading={tenants.isFetchingNextPage} onClick={() => void tenants.fetchNextPage()}>
          {t('action.loadMore')}
        </Button>
      )}
      {editing !== null && <TenantForm tenant={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onDone={refresh} />}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('data.deleteTitle', { name: leaving?.displayName ?? '' })}
        text={t('admin.deleteTenantText')}
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

/** Makes a tenant, or changes one. An empty limit is none. */
export function TenantForm({
  tenant,
  onClose,
  onDone,
}: {
  readonly tenant: Tenant | null;
  readonly onClose: () => void;
  readonly onDone: (tenant: Tenant) => void;
}) {
  const { t } = useTranslation();
  const { client } = usePlatform();
  const [name, setName] = useState(tenant?.name ?? '');
  const [displayName, setDisplayName] = useState(tenant?.displayName ?? '');
  const [cpu, setCpu] = useState<number | ''>(tenant?.quota.cpu ?? '');
  const [memory, setMemory] = useState<number | ''>(tenant?.quota.memory == null ? '' : tenant.quota.memory / GIGABYTE);
  const [gpus, setGpus] = useState<number | ''>(tenant?.quota.gpus ?? '');
  const [executors, setExecutors] = useState(tenant?.executors?.join(', ') ?? '');
  const [dropCapabilities, setDropCapabilities] = useState(tenant?.dropCapabilities ?? false);
  const send = useMutation({
    mutationFn: () => {
      const named = executors.split(/[\s,]+/).filter((one) => one !== '');
      const common = {
        quota: { cpu: cpu === '' ? null : cpu, memory: memory === '' ? null : Math.round(memory * GIGABYTE), gpus: gpus === '' ? null : gpus },
        executors: named.length === 0 ? null : named,
        dropCapabilities,
        displayName: displayName.trim() === '' ? name : displayName,
      };
      return tenant === null
        ? client.call(createTenant, { body: { name, ...common } })
        : client.call(updateTenant, { params: { tenant: tenant.id }, body: common });
    },
    onSuccess: (done) => {
      onDone(done);
      onClose();
    },
  });
  const nameRight = tenant !== null || TenantName.safeParse(name).success;
  const number = (value: number | string): number | '' => (value === '' ? '' : Number(value));
  return (
    <FormDialog
      title={tenant === null ? t('admin.newTenant') : t('datasets.edit', { name: tenant.displayName })}
      submit={tenant === null ? t('action.create') : t('action.save')}
      valid={nameRight && name !== '' && (displayName.trim() === '' || Title.safeParse(displayName).success) && cpu !== 0 && memory !== 0}
      sending={send.isPending}
      error={send.error}
      onSubmit={() => send.mutate()}
      onClose={onClose}
    >
      {tenant === null && (
        <TextInput
          label={t('data.name')}
          description={t('admin.tenantNameForm')}
          value={name}
          maxLength={63}
          onChange={(event) => setName(event.currentTarget.value)}
          error={name !== '' && !nameRight ? t('admin.tenantNameForm') : null}
          data-autofocus
        />
      )}
      <TextInput label={t('admin.displayName')} value={displayName} maxLength={255} onChange={(event) => setDisplayName(event.currentTarget.value)} />
      <SimpleGrid cols={3} spacing="sm">
        <NumberInput label={t('submit.cpu')} placeholder={t('request.noLimit')} value={cpu} min={0.001} onChange={(value) => setCpu(number(value))} />
        <NumberInput
          label={t('submit.memory')}
          placeholder={t('request.noLimit')}
          value={memory}
          min={0.001}
          suffix=" GB"
          onChange={(value) => setMemory(number(value))}
        />
        <NumberInput
          label={t('submit.gpus')}
          placeholder={t('request.noLimit')}
          value={gpus}
          min={0}
          allowDecimal={false}
          onChange={(value) => setGpus(number(value))}
        />
      </SimpleGrid>
      <TextInput
        label={t('admin.executors')}
        description={t('admin.executorsHint')}
        value={executors}
        placeholder="local, docker"
        onChange={(event) => setExecutors(event.currentTarget.value)}
      />
      <Checkbox
        label={t('admin.dropCapabilities')}
        description={t('admin.dropCapabilitiesHint')}
        checked={dropCapabilities}
        onChange={(event) => setDropCapabilities(event.currentTarget.checked)}
      />
    </FormDialog>
  );
}

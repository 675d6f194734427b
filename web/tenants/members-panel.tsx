import { Button, Group, Select, Stack, TextInput } from '@mantine/core';
import { UserName } from '@sodate/contract/names.ts';
import { listMembers, type Member, putMember, removeMember, Role, ROLES } from '@sodate/contract/tenants.ts';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { z } from 'zod';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { SettingList, SettingRow } from '../ui/setting-list.tsx';
import { mayAdminister } from './rights.ts';

type Person = z.infer<typeof Member>['user'];

/** Who works in a tenant, and as what. */
export function MembersPanel({ tenant }: { readonly tenant: string }) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const me = useMe();
  const may = mayAdminister(me, tenant);
  const members = useInfiniteQuery({
    queryKey: [tenant, 'member', 'list'],
    queryFn: ({ signal, pageParam }) => client.call(listMembers, { params: { tenant }, query: { limit: 200, cursor: pageParam }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });
  const refresh = (): void => void queries.invalidateQueries({ queryKey: [tenant, 'member'] });
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<Person | null>(null);
  const change = useMutation({
    mutationFn: ({ user, role }: { user: string; role: Role }) => client.call(putMember, { params: { tenant, user }, body: { role } }),
    onSuccess: refresh,
  });
  const remove = useMutation({
    mutationFn: (user: Person) => client.call(removeMember, { params: { tenant, user: user.id } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const items = members.data?.pages.flatMap((page) => page.items) ?? [];
  const roles = ROLES.map((role) => ({ value: role, label: t(`admin.role.${role}`) }));
  return (
    <Stack gap="md">
      {may && (
        <Group>
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
            {t('admin.addMember')}
          </Button>
        </Group>
      )}
      {change.error !== null && <ErrorPanel error={change.error} />}
      <PanelState query={members} empty={items.length === 0 ? t('admin.noMembers') : null} />
      {items.length > 0 && (
        <SettingList label={t('admin.section.members')}>
          {items.map(({ user, role }) => (
            <SettingRow key={user.id} title={user.displayName} note={user.name}>
              <Select
                size="xs"
                w={130}
                aria-label={t('admin.roleOf', { name: user.displayName })}
                value={role}
                data={roles}
                allowDeselect={false}
                disabled={!may}
                onChange={(value) => {
                  const chosen = Role.safeParse(value).data;
                  if (chosen !== undefined && chosen !== role) change.mutate({ user: user.id, role: chosen });
                }}
              />
              {may && (
                <Button size="xs" variant="default" onClick={() => setLeaving(user)}>
                  {t('action.remove')}
                </Button>
              )}
            </SettingRow>
          ))}
        </SettingList>
      )}
      {members.hasNextPage && (
        <Button variant="default" loading={members.isFetchingNextPage} onClick={() => void members.fetchNextPage()}>
          {t('action.loadMore')}
        </Button>
      )}
      {adding && <AddMember tenant={tenant} roles={roles} onClose={() => setAdding(false)} onDone={refresh} />}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('admin.removeMemberTitle', { name: leaving?.displayName ?? '' })}
        text={t('admin.removeMemberText')}
        confirm={t('action.remove')}
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

function AddMember({
  tenant,
  roles,
  onClose,
  onDone,
}: {
  readonly tenant: string;
  readonly roles: { readonly value: string; readonly label: string }[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { t } = useTranslation();
  const { client } = usePlatform();
  const [user, setUser] = useState('');
  const [role, setRole] = useState<Role>('member');
  const add = useMutation({
    mutationFn: () => client.call(putMember, { params: { tenant, user: user.trim() }, body: { role } }),
    onSuccess: () => {
      onDone();
      onClose();
    },
  });
  return (
    <FormDialog
      title={t('admin.addMember')}
      submit={t('action.add')}
      valid={UserName.safeParse(user).success}
      sending={add.isPending}
      error={add.error}
      onSubmit={() => add.mutate()}
      onClose={onClose}
    >
      <TextInput
        label={t('session.name')}
        value={user}
        onChange={(event) => setUser(event.currentTarget.value)}
        autoCapitalize="none"
        spellCheck={false}
        data-autofocus
      />
      <Select
        label={t('admin.roleName')}
        description={t(`admin.roleText.${role}`)}
        value={role}
        data={roles}
        allowDeselect={false}
        onChange={(value) => setRole(Role.safeParse(value).data ?? role)}
      />
    </FormDialog>
  );
}

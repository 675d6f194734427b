import { Badge, Button, Checkbox, Group, PasswordInput, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { Password, Title, UserName } from '@sodate/contract/names.ts';
import { createSignInLink, createUser, listUsers, updateUser, type User } from '@sodate/contract/users.ts';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { Moment } from '../ui/moment.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { SearchField } from '../ui/search-field.tsx';
import { SettingList, SettingRow } from '../ui/setting-list.tsx';
import { ShownOnce } from '../ui/shown-once.tsx';

const ASKED_AGAIN_AFTER_MS = 15_000;

/** Everybody who can sign in, or could. */
export function UsersPanel() {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const [text, setText] = useState<string | undefined>(undefined);
  const users = useInfiniteQuery({
    queryKey: ['users', text ?? ''],
    queryFn: ({ signal, pageParam }) => client.call(listUsers, { query: { text, limit: 100, cursor: pageParam }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    refetchInterval: ASKED_AGAIN_AFTER_MS,
  });
  const [editing, setEditing] = useState<User | 'new' | null>(null);
  const [link, setLink] = useState<{ readonly name: string; readonly url: string } | null>(null);
  const refresh = (): void => void queries.invalidateQueries({ queryKey: ['users'] });
  const makeLink = useMutation({
    mutationFn: async (user: Pick<User, 'id' | 'displayName'>) => ({
      name: user.displayName,
      url: (await client.call(createSignInLink, { params: { user: user.id } })).url,
    }),
    onSuccess: setLink,
  });
  const items = users.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack gap="md">
      <Group gap="xs">
        <SearchField value={text} onChange={setText} />
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
          {t('admin.newUser')}
        </Button>
      </Group>
      {makeLink.error !== null && <ErrorPanel error={makeLink.error} />}
      <PanelState query={users} empty={items.length === 0 ? t('palette.nothing') : null} />
      {items.length > 0 && (
        <SettingList label={t('admin.section.users')}>
          {items.map((user) => (
            <SettingRow
              key={user.id}
              title={user.displayName}
              note={
                <>
                  {user.name} · {t('data.created')} <Moment at={user.createdAt} />
                </>
              }
              badges={
                <>
                  {user.systemAdmin && <Mark text={t('admin.systemAdmin')} />}
                  {user.disabled && <Mark text={t('admin.disabled')} color="red" />}
                  {!user.hasPassword && !user.disabled && <Mark text={t('admin.noPassword')} color="yellow" />}
                </>
              }
            >
              <Button
                size="xs"
                variant="default"
                disabled={user.disabled}
                loading={makeLink.isPending && makeLink.variables.id === user.id}
                onClick={() => makeLink.mutate(user)}
              >
                {t('admin.signInLink')}
              </Button>
              <Button size="xs" variant="default" onClick={() => setEditing(user)}>
                {t('action.edit')}
              </Button>
            </SettingRow>
          ))}
        </SettingList>
      )}
      {users.hasNextPage && (
        <Button variant="default" loading={users.isFetchingNextPage} onClick={() => void users.fetchNextPage()}>
          {t('action.loadMore')}
        </Button>
      )}
      {editing !== null && (
        <UserForm
          user={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
          onDone={(made, byLink) => {
            refresh();
            if (byLink) makeLink.mutate(made);
          }}
        />
      )}
      {link !== null && (
        <ShownOnce title={t('admin.linkTitle', { name: link.name })} text={t('admin.linkText')} secret={link.url} onClose={() => setLink(null)} />
      )}
    </Stack>
  );
}

const Mark = ({ text, color = 'gray' }: { readonly text: string; readonly color?: string }) => (
  <Badge size="sm" variant="light" color={color} tt="none" radius="sm" c="var(--mantine-color-text)">
    {text}
  </Badge>
);

function UserForm({
  user,
  onClose,
  onDone,
}: {
  readonly user: User | null;
  readonly onClose: () => void;
  readonly onDone: (user: User, byLink: boolean) => void;
}) {
  const { t } = useTranslation();
  const { client } = usePlatform();
  const [name, setName] = useState(user?.name ?? '');
  const [displayName, setDisplayName] = useState(user?.displayName ?? '');
  const [systemAdmin, setSystemAdmin] = useState(user?.systemAdmin ?? false);
  const [disabled, setDisabled] = useState(user?.disabled ?? false);
  const [byLink, setByLink] = useState(true);
  const [password, setPassword] = useState('');
  const send = useMutation({
    mutationFn: () => {
      const shown = displayName.trim() === '' ? name.trim() : displayName;
      return user === null
        ? client.call(createUser, { body: { name, displayName: shown, systemAdmin, ...(byLink ? {} : { password }) } })
        : client.call(updateUser, { params: { user: user.id }, body: { displayName: shown, systemAdmin, disabled } });
    },
    onSuccess: (done) => {
      onClose();
      onDone(done, user === null && byLink);
    },
  });
  const nameRight = user !== null || UserName.safeParse(name).success;
  return (
    <FormDialog
      title={user === null ? t('admin.newUser') : t('datasets.edit', { name: user.displayName })}
      submit={user === null ? t('action.create') : t('action.save')}
      valid={
        nameRight && (displayName.trim() === '' || Title.safeParse(displayName).success) && (user !== null || byLink || Password.safeParse(password).success)
      }
      sending={send.isPending}
      error={send.error}
      onSubmit={() => send.mutate()}
      onClose={onClose}
    >
      {user === null && (
        <TextInput
          label={t('session.name')}
          value={name}
          maxLength={128}
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => setName(event.currentTarget.value)}
          error={name !== '' && !nameRight ? t('admin.userNameForm') : null}
          data-autofocus
        />
      )}
      <TextInput label={t('admin.displayName')} value={displayName} maxLength={255} onChange={(event) => setDisplayName(event.currentTarget.value)} />
      <Checkbox
        label={t('admin.systemAdmin')}
        description={t('admin.systemAdminHint')}
        checked={systemAdmin}
        onChange={(event) => setSystemAdmin(event.currentTarget.checked)}
      />
      {user !== null && (
        <Checkbox
          label={t('admin.disabled')}
          description={t('admin.disabledHint')}
          checked={disabled}
          onChange={(event) => setDisabled(event.currentTarget.checked)}
        />
      )}
      {user === null && (
        <>
          <SegmentedControl
            aria-label={t('admin.firstSignIn')}
            value={byLink ? 'link' : 'password'}
            onChange={(way) => setByLink(way === 'link')}
            data={[
              { value: 'link', label: t('admin.byLink') },
              { value: 'password', label: t('admin.byPassword') },
            ]}
          />
          {!byLink && (
            <PasswordInput
              label={t('session.password')}
              description={t('session.passwordForm')}
              autoComplete="new-password"
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
          )}
        </>
      )}
    </FormDialog>
  );
}

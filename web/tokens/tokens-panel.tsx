import { Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { Title } from '@sodate/contract/names.ts';
import { createToken, listTokens, revokeToken, type Token } from '@sodate/contract/tokens.ts';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { Moment } from '../ui/moment.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { SettingList, SettingRow } from '../ui/setting-list.tsx';
import { ShownOnce } from '../ui/shown-once.tsx';

/** Days; empty for no end. */
const LIVES = ['30', '90', '365', ''] as const;

/** API keys of a tenant: one's own, and for its admins everybody's. */
export function TokensPanel({ tenant }: { readonly tenant: string }) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const tokens = useInfiniteQuery({
    queryKey: [tenant, 'token', 'list'],
    queryFn: ({ signal, pageParam }) => client.call(listTokens, { params: { tenant }, query: { limit: 100, cursor: pageParam }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [leaving, setLeaving] = useState<Token | null>(null);
  const refresh = (): void => void queries.invalidateQueries({ queryKey: [tenant, 'token'] });
  const revoke = useMutation({
    mutationFn: (token: Token) => client.call(revokeToken, { params: { tenant, token: token.id } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const items = tokens.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {t('admin.tokensText')}
      </Text>
      <Group>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
          {t('admin.newToken')}
        </Button>
      </Group>
      <PanelState query={tokens} empty={items.length === 0 ? t('admin.noTokens') : null} />
      {items.length > 0 && (
        <SettingList label={t('admin.section.tokens')}>
          {items.map((token) => (
            <SettingRow
              key={token.id}
              title={token.name}
              note={
                <>
                  {token.user.displayName} · {t('data.created')} <Moment at={token.createdAt} /> ·{' '}
                  {token.lastUsedAt === null ? (
                    t('admin.neverUsed')
                  ) : (
                    <>
                      {t('admin.lastUsed')} <Moment at={token.lastUsedAt} />
                    </>
                  )}
                  {token.expiresAt !== null && (
                    <>
                      {' '}
                      · {t('admin.ends')} <Moment at={token.expiresAt} exact />
                    </>
                  )}
                </>
              }
            >
              <Button size="xs" variant="default" onClick={() => setLeaving(token)}>
                {t('admin.revoke')}
              </Button>
            </SettingRow>
          ))}
        </SettingList>
      )}
      {tokens.hasNextPage && (
        <Button variant="default" loading={tokens.isFetchingNextPage} onClick={() => void tokens.fetchNextPage()}>
          {t('action.loadMore')}
        </Button>
      )}
      {adding && (
        <TokenForm
          tenant={tenant}
          onClose={() => setAdding(false)}
          onDone={(made) => {
            setSecret(made);
            refresh();
          }}
        />
      )}
      {secret !== null && <ShownOnce title={t('admin.tokenTitle')} text={t('admin.tokenText')} secret={secret} onClose={() => setSecret(null)} />}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('admin.revokeTitle', { name: leaving?.name ?? '' })}
        text={t('admin.revokeText')}
        confirm={t('admin.revoke')}
        working={revoke.isPending}
        error={revoke.error}
        onConfirm={() => leaving !== null && revoke.mutate(leaving)}
        onClose={() => {
          setLeaving(null);
          revoke.reset();
        }}
      />
    </Stack>
  );
}

function TokenForm({ tenant, onClose, onDone }: { readonly tenant: string; readonly onClose: () => void; readonly onDone: (secret: string) => void }) {
  const { t } = useTranslation();
  const { client } = usePlatform();
  const [name, setName] = useState('');
  const [days, setDays] = useState<string>('90');
  const create = useMutation({
    mutationFn: () => client.call(createToken, { params: { tenant }, body: { name, expiresInDays: days === '' ? null : Number(days) } }),
    onSuccess: ({ secret }) => {
      onClose();
      onDone(secret);
    },
  });
  return (
    <FormDialog
      title={t('admin.newToken')}
      submit={t('action.create')}
      valid={Title.safeParse(name).success}
      sending={create.isPending}
      error={create.error}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      <TextInput
        label={t('data.name')}
        description={t('admin.tokenNameHint')}
        value={name}
        maxLength={255}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      <Select
        label={t('admin.tokenLife')}
        value={days}
        allowDeselect={false}
        data={LIVES.map((life) => ({ value: life, label: life === '' ? t('request.noLimit') : t('admin.days', { days: life }) }))}
        onChange={(life) => setDays(life ?? '')}
      />
    </FormDialog>
  );
}

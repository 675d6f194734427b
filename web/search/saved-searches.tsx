import { ActionIcon, Badge, Button, Popover, ScrollArea, Stack, Text, Tooltip, UnstyledButton } from '@mantine/core';
import { deleteSavedSearch, type SavedSearch, type SearchedThing } from '@sodate/contract/search.ts';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { IconBookmarks, IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { mayAdminister } from '../tenants/rights.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { SaveSearchDialog } from './save-search-dialog.tsx';
import { savedSearchesQuery } from './search-queries.ts';
import classes from './smart-search.module.css';

/** What a list is asked for, and in which order. */
export interface SearchAsked {
  readonly search?: string | undefined;
  readonly sort?: string | undefined;
  /** Of the table that shows what is found, where they can be chosen. */
  readonly columns?: readonly string[] | undefined;
}

/** Searches that were kept, one's own and those that the tenant shares; and keeping the present one. */
export function SavedSearches({
  tenant,
  thing,
  asked,
  onChoose,
}: {
  readonly tenant: string;
  readonly thing: SearchedThing;
  readonly asked: SearchAsked;
  readonly onChoose: (asked: SearchAsked) => void;
}) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const me = useMe();
  const administers = mayAdminister(me, tenant);
  const [opened, setOpened] = useState(false);
  const [saving, setSaving] = useState(false);
  const [leaving, setLeaving] = useState<SavedSearch | null>(null);
  const searches = useInfiniteQuery({ ...savedSearchesQuery(client, tenant, thing), enabled: opened });
  const refresh = (): void => void queries.invalidateQueries({ queryKey: [tenant, 'saved-search'] });
  const remove = useMutation({
    mutationFn: ({ id }: SavedSearch) => client.call(deleteSavedSearch, { params: { tenant, search: id } }),
    onSuccess: () => {
      setLeaving(null);
      refresh();
    },
  });
  const items = searches.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Popover opened={opened} onChange={setOpened} position="bottom-end" width={320} withinPortal trapFocus>
        <Popover.Target>
          <Tooltip label={t('search.saved')}>
            <ActionIcon variant="default" size={36} aria-label={t('search.saved')} onClick={() => setOpened(!opened)}>
              <IconBookmarks size={18} />
            </ActionIcon>
          </Tooltip>
        </Popover.Target>
        <Popover.Dropdown p="xs">
          <Stack gap="xs">
            <PanelState query={searches} empty={items.length === 0 ? t('search.noneSaved') : null} />
            <ScrollArea.Autosize mah={320} role="group" aria-label={t('search.saved')}>
              {items.map((one) => (
                <div key={one.id} className={classes['saved']}>
                  <UnstyledButton
                    className={classes['choose'] ?? ''}
                    onClick={() => {
                      setOpened(false);
                      onChoose({ search: one.query === '' ? undefined : one.query, sort: one.sort ?? undefined, columns: one.columns });
                    }}
                  >
                    <Text size="sm" fw={550} style={{ overflowWrap: 'anywhere' }}>
                      {one.name}{' '}
                      {one.shared && (
                        <Badge size="xs" variant="default" tt="none" radius="sm" fw={450}>
                          {one.owner.id === me.id ? t('search.sharedByMe') : t('search.sharedBy', { name: one.owner.displayName })}
                        </Badge>
                      )}
                    </Text>
                    <Text size="xs" c="dimmed" ff="monospace" className={classes['query'] ?? ''} title={one.query}>
                      {one.query === '' ? t('search.everything') : one.query}
                    </Text>
                  </UnstyledButton>
                  {(one.owner.id === me.id || (one.shared && administers)) && (
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      aria-label={`${t('action.delete')} ${one.name}`}
                      onClick={() => {
                        setOpened(false);
                        setLeaving(one);
                      }}
                    >
                      <IconTrash size={16} />
                    </ActionIcon>
                  )}
                </div>
              ))}
              {searches.hasNextPage && (
                <Button size="compact-xs" variant="subtle" loading={searches.isFetchingNextPage} onClick={() => void searches.fetchNextPage()}>
                  {t('action.loadMore')}
                </Button>
              )}
            </ScrollArea.Autosize>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPlus size={14} aria-hidden />}
              disabled={asked.search === undefined && asked.sort === undefined && asked.columns === undefined}
              onClick={() => {
                setOpened(false);
                setSaving(true);
              }}
            >
              {t('search.save')}
            </Button>
          </Stack>
        </Popover.Dropdown>
      </Popover>
      {saving && <SaveSearchDialog tenant={tenant} thing={thing} asked={asked} onClose={() => setSaving(false)} onDone={refresh} />}
      <ConfirmDialog
        opened={leaving !== null}
        title={t('data.deleteTitle', { name: leaving?.name ?? '' })}
        text={t(leaving?.shared === true ? 'search.deleteSharedText' : 'search.deleteText')}
        confirm={t('action.delete')}
        working={remove.isPending}
        error={remove.error}
        onConfirm={() => leaving !== null && remove.mutate(leaving)}
        onClose={() => {
          setLeaving(null);
          remove.reset();
        }}
      />
    </>
  );
}

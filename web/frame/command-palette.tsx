import { Group, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { createSpotlight, Spotlight } from '@mantine/spotlight';
import '@mantine/spotlight/styles.layer.css';
import { SUBMITTED_KINDS } from '@sodate/contract/runs.ts';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { IconDatabase, IconPlayerPlay, IconPlus, IconSearch, IconStack2 } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { runReference } from '../runs/run-words.ts';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { type Found, findThings, readWish } from './find-things.ts';
import { PAGES, type PageName } from './pages.ts';

const SEARCH_AFTER_MS = 150;
const ICONS = { data: IconStack2, dataset: IconDatabase, run: IconPlayerPlay } as const;
const [store, spotlight] = createSpotlight();

/** Goes anywhere by a few letters: to pages, to what can be started, to any thing by its name or number. Loaded when first asked for. */
export function CommandPalette({ tenant, openings }: { readonly tenant: string; readonly openings: number }) {
  const { t } = useTranslation();
  const client = useClient();
  const navigate = useNavigate();
  const me = useMe();
  const [query, setQuery] = useState('');
  const [wanted] = useDebouncedValue(query.trim(), SEARCH_AFTER_MS);
  const { number, name } = readWish(wanted);
  const searches = number !== null || name !== null;
  const found = useQuery({
    queryKey: [tenant, 'found', wanted],
    queryFn: ({ signal }) => findThings(client, tenant, wanted, signal),
    enabled: searches,
    gcTime: 0,
  });
  useEffect(() => {
    if (openings > 0) spotlight.open();
  }, [openings]);

  const fits = (label: string): boolean => label.toLowerCase().includes(query.trim().toLowerCase());
  const pages = (Object.keys(PAGES) as PageName[]).filter((page) => fits(t(`nav.${page}`)));
  const kinds = mayWork(me, tenant) ? SUBMITTED_KINDS.filter((kind) => fits(t(`submit.title.${kind}`))) : [];
  const things = searches && wanted === query.trim() ? found.data : undefined;
  const open = (thing: Found): void => {
    if (thing.what === 'run') void navigate({ to: '/tenants/$tenant/runs/$run', params: { tenant, run: runReference(thing) } });
    else if (thing.what === 'data') void navigate({ to: '/tenants/$tenant/data/$data', params: { tenant, data: String(thing.number) } });
    else void navigate({ to: '/tenants/$tenant/datasets/$dataset', params: { tenant, dataset: String(thing.number) } });
  };
  return (
    <Spotlight.Root store={store} query={query} onQueryChange={setQuery} tagsToIgnore={[]} scrollable maxHeight={480} aria-label={t('frame.findHint')}>
      <Spotlight.Search
        onKeyDown={(event) => {
          // What was found comes after the typing, so nothing is chosen yet: Enter then means the first of it.
          const [first] = things ?? [];
          if (event.key !== 'Enter' || event.nativeEvent.isComposing || first === undefined) return;
          if (document.getElementById(store.getState().listId)?.querySelector('[data-selected]') != null) return;
          event.preventDefault();
          spotlight.close();
          open(first);
        }}
        placeholder={t('palette.placeholder')}
        aria-label={t('palette.placeholder')}
        leftSection={<IconSearch size={18} aria-hidden />}
      />
      <Spotlight.ActionsList>
        {things !== undefined && things.length > 0 && (
          <Spotlight.ActionsGroup label={t('palette.things')}>
            {things.map((thing) => {
              const Icon = ICONS[thing.what];
              const sort = thing.what === 'run' ? t(`kind.${thing.kind}`) : t(`lineage.kind.${thing.what}`);
              return (
                <Spotlight.Action key={thing.id} onClick={() => open(thing)}>
                  <Group gap="sm" wrap="nowrap" w="100%">
                    <Icon size={18} aria-hidden />
                    <Text size="sm" truncate flex={1}>
                      {thing.name}
                    </Text>
                    <Text size="xs" opacity={0.85} style={{ whiteSpace: 'nowrap' }}>
                      {sort} {thing.number}
                    </Text>
                  </Group>
                </Spotlight.Action>
              );
            })}
          </Spotlight.ActionsGroup>
        )}
        {pages.length > 0 && (
          <Spotlight.ActionsGroup label={t('palette.pages')}>
            {pages.map((page) => {
              const { to, icon: Icon } = PAGES[page];
              return (
                <Spotlight.Action
                  key={page}
                  label={t(`nav.${page}`)}
                  leftSection={<Icon size={18} aria-hidden />}
                  onClick={() => void navigate({ to, params: { tenant } })}
                />
              );
            })}
          </Spotlight.ActionsGroup>
        )}
        {kinds.length > 0 && (
          <Spotlight.ActionsGroup label={t('palette.start')}>
            {kinds.map((kind) => (
              <Spotlight.Action
                key={kind}
                label={t(`submit.title.${kind}`)}
                leftSection={<IconPlus size={18} aria-hidden />}
                onClick={() => void navigate({ to: '/tenants/$tenant/runs/new/$kind', params: { tenant, kind } })}
              />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {found.error !== null && searches && <ErrorPanel error={found.error} />}
        {pages.length === 0 && kinds.length === 0 && (things === undefined || things.length === 0) && (
          <Spotlight.Empty>{!searches ? t('palette.typeMore') : things === undefined ? t('palette.searching') : t('palette.nothing')}</Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

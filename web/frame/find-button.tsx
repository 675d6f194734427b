import { ActionIcon, Kbd, Text, UnstyledButton } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import classes from './frame.module.css';

const CommandPalette = lazyPart(
  () => import('./command-palette.tsx'),
  (part) => part.CommandPalette,
);

/** Opens the command palette, as Ctrl K and ⌘K do everywhere; the palette is fetched at its first use. */
export function FindButton({ tenant }: { readonly tenant: string }) {
  const { t } = useTranslation();
  const [openings, setOpenings] = useState(0);
  const loaded = openings > 0;
  const open = (): void => setOpenings((before) => before + 1);
  useEffect(() => {
    // Once it is there, it listens itself.
    if (loaded) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      open();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [loaded]);
  return (
    <>
      <UnstyledButton className={classes['find'] ?? ''} onClick={open} visibleFrom="md" title={t('frame.findHint')} aria-keyshortcuts="Control+K Meta+K">
        <IconSearch size={16} aria-hidden />
        <Text size="sm" c="dimmed" flex={1}>
          {t('frame.find')}
        </Text>
        <Kbd size="xs">Ctrl K</Kbd>
      </UnstyledButton>
      <ActionIcon variant="subtle" color="gray" size="lg" hiddenFrom="md" onClick={open} aria-label={t('frame.findHint')}>
        <IconSearch size={20} />
      </ActionIcon>
      {loaded && (
        <Suspense fallback={null}>
          <CommandPalette tenant={tenant} openings={openings} />
        </Suspense>
      )}
    </>
  );
}

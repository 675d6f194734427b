import { Anchor, AppShell, Burger, Group, NavLink, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { Link, Outlet, useParams } from '@tanstack/react-router';
import { IconApi } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { UploadTray } from '../data/upload-tray.tsx';
import { createUploads, UploadsProvider } from '../data/uploads.ts';
import { usePlatform } from '../kit/platform.tsx';
import { ExpiredSession } from '../session/expired-session.tsx';
import { useMe } from '../session/session-queries.ts';
import { useOwnLanguage } from '../session/use-language.ts';
import { TenantSwitch } from '../tenants/tenant-switch.tsx';
import { Brand } from '../ui/brand.tsx';
import { AccountMenu } from './account-menu.tsx';
import { ConnectionNote } from './connection-note.tsx';
import { FindButton } from './find-button.tsx';
import classes from './frame.module.css';
import { Keyboard } from './keyboard.tsx';
import { LanguageSwitch } from './language-switch.tsx';
import { Navigation } from './navigation.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

/** What surrounds every page of somebody who is signed in. */
export function Frame() {
  const { t } = useTranslation();
  const me = useMe();
  const { client, queries } = usePlatform();
  const [uploads] = useState(() => createUploads(client, queries));
  useOwnLanguage(me.language);
  const [opened, { toggle, close }] = useDisclosure(false);
  const { tenant } = useParams({ strict: false });
  return (
    <UploadsProvider value={uploads}>
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !opened, desktop: tenant === undefined } }}
        padding={{ base: 'sm', sm: 'lg' }}
      >
        <a className="skip-link" href="#content">
          {t('frame.skip')}
        </a>
        <AppShell.Header px={{ base: 'xs', sm: 'md' }}>
          <Group h="100%" justify="space-between" wrap="nowrap" gap="xs">
            <Group gap="xs" wrap="nowrap" miw={0}>
              {tenant !== undefined && <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('frame.menu')} />}
              <Anchor component={Link} to="/" underline="never" c="inherit" visibleFrom="xs" aria-label={t('brand')} className={classes['brand'] ?? ''}>
                <Brand />
              </Anchor>
              <TenantSwitch />
            </Group>
            <Group gap={2} wrap="nowrap">
              {tenant !== undefined && <FindButton tenant={tenant} />}
              <Group visibleFrom="sm">
                <LanguageSwitch />
              </Group>
              <ThemeSwitch />
              <AccountMenu />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" className={classes['navbar'] ?? ''}>
          {tenant !== undefined && <Navigation tenant={tenant} onGo={close} />}
          <Stack mt="auto" gap={4}>
            <Group hiddenFrom="sm">
              <LanguageSwitch />
            </Group>
            <NavLink component="a" href="/v1/docs" label={t('frame.apiDocs')} leftSection={<IconApi size={18} aria-hidden />} />
          </Stack>
        </AppShell.Navbar>
        <AppShell.Main id="content" tabIndex={-1} className={classes['main'] ?? ''}>
          <ConnectionNote />
          <div className={classes['page']}>
            <Outlet />
          </div>
        </AppShell.Main>
        {tenant !== undefined && <Keyboard tenant={tenant} />}
        <UploadTray />
        <ExpiredSession />
      </AppShell>
    </UploadsProvider>
  );
}

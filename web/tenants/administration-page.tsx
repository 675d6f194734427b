import { Skeleton, Stack, Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { loadPart } from '../kit/load-part.ts';
import { usePageTitle } from '../kit/page-title.ts';
import { useMe } from '../session/session-queries.ts';
import { PageHead } from '../ui/page-head.tsx';
import classes from './administration-page.module.css';
import { OF_INSTALLATION, OF_TENANT, type Section } from './administration-search.ts';
import { MembersPanel } from './members-panel.tsx';
import { mayWork } from './rights.ts';

const GitEndpointsPanel = lazy(async () => ({ default: (await loadPart(() => import('../git/git-endpoints-panel.tsx'))).GitEndpointsPanel }));
const NodesPanel = lazy(async () => ({ default: (await loadPart(() => import('../nodes/nodes-panel.tsx'))).NodesPanel }));
const RegistriesPanel = lazy(async () => ({ default: (await loadPart(() => import('../registries/registries-panel.tsx'))).RegistriesPanel }));
const RegistryCredentialsPanel = lazy(async () => ({
  default: (await loadPart(() => import('../registries/registry-credentials-panel.tsx'))).RegistryCredentialsPanel,
}));
const TokensPanel = lazy(async () => ({ default: (await loadPart(() => import('../tokens/tokens-panel.tsx'))).TokensPanel }));
const UsersPanel = lazy(async () => ({ default: (await loadPart(() => import('../users/users-panel.tsx'))).UsersPanel }));
const TenantsPanel = lazy(async () => ({ default: (await loadPart(() => import('./tenants-panel.tsx'))).TenantsPanel }));

const route = getRouteApi('/signed-in/tenants/$tenant/administration');

/** Who works here and with what; for system administrators also what all tenants share. */
export function AdministrationPage() {
  const { tenant } = route.useParams();
  const { section = 'members' } = route.useSearch();
  const navigate = route.useNavigate();
  const { t } = useTranslation();
  const me = useMe();
  usePageTitle(t(`admin.section.${section}`), t('nav.administration'), tenant);
  const shown = [...OF_TENANT, ...OF_INSTALLATION].filter((one) => {
    if (one === 'tenants' || one === 'users') return me.systemAdmin;
    return one !== 'credentials' || mayWork(me, tenant);
  });
  const panels: Readonly<Record<Section, () => ReactNode>> = {
    members: () => <MembersPanel tenant={tenant} />,
    tokens: () => <TokensPanel tenant={tenant} />,
    credentials: () => <RegistryCredentialsPanel tenant={tenant} />,
    nodes: () => <NodesPanel tenant={tenant} />,
    git: () => <GitEndpointsPanel />,
    registries: () => <RegistriesPanel />,
    tenants: () => <TenantsPanel />,
    users: () => <UsersPanel />,
  };
  return (
    <Stack gap="md">
      <PageHead title={t('nav.administration')} />
      <Tabs
        value={section}
        keepMounted={false}
        onChange={(value) => {
          const chosen = shown.find((one) => one === value);
          void navigate({ search: { section: chosen === 'members' ? undefined : chosen }, replace: true });
        }}
      >
        <Tabs.List mb="md" className={classes['tabs'] ?? ''}>
          {shown.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t(`admin.section.${one}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {shown.map((one) => (
          <Tabs.Panel key={one} value={one}>
            <Suspense fallback={<Skeleton h={320} />}>{panels[one]()}</Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}

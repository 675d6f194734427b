import { Skeleton, Stack, Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { type ReactNode, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { usePageTitle } from '../kit/page-title.ts';
import { useMe } from '../session/session-queries.ts';
import { PageHead } from '../ui/page-head.tsx';
import classes from './administration-page.module.css';
import { OF_INSTALLATION, OF_TENANT, type Section } from './administration-search.ts';
import { MembersPanel } from './members-panel.tsx';
import { mayWork } from './rights.ts';

const GitEndpointsPanel = lazyPart(
  () => import('../git/git-endpoints-panel.tsx'),
  (part) => part.GitEndpointsPanel,
);
const GitCredentialsPanel = lazyPart(
  () => import('../git/git-credentials-panel.tsx'),
  (part) => part.GitCredentialsPanel,
);
const NodesPanel = lazyPart(
  () => import('../nodes/nodes-panel.tsx'),
  (part) => part.NodesPanel,
);
const RegistriesPanel = lazyPart(
  () => import('../registries/registries-panel.tsx'),
  (part) => part.RegistriesPanel,
);
const RegistryCredentialsPanel = lazyPart(
  () => import('../registries/registry-credentials-panel.tsx'),
  (part) => part.RegistryCredentialsPanel,
);
const TokensPanel = lazyPart(
  () => import('../tokens/tokens-panel.tsx'),
  (part) => part.TokensPanel,
);
const UsersPanel = lazyPart(
  () => import('../users/users-panel.tsx'),
  (part) => part.UsersPanel,
);
const TenantsPanel = lazyPart(
  () => import('./tenants-panel.tsx'),
  (part) => part.TenantsPanel,
);

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
    return (one !== 'credentials' && one !== 'gitCredentials') || mayWork(me, tenant);
  });
  const panels: Readonly<Record<Section, () => ReactNode>> = {
    members: () => <MembersPanel tenant={tenant} />,
    tokens: () => <TokensPanel tenant={tenant} />,
    credentials: () => <RegistryCredentialsPanel tenant={tenant} />,
    gitCredentials: () => <GitCredentialsPanel tenant={tenant} />,
    nodes: () => <NodesPanel tenant={tenant} />,
    git: () => <GitEndpointsPanel tenant={tenant} />,
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

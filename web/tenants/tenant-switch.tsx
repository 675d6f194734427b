import { Select } from '@mantine/core';
import { listTenants } from '@sodate/contract/tenants.ts';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';

/** So many tenants a system admin can choose from here; others by their address. */
const TENANTS_OFFERED = 200;

export function TenantSwitch() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useClient();
  const me = useMe();
  const { tenant } = useParams({ strict: false });
  // A system admin may work in every tenant, member or not.
  const all = useQuery({
    queryKey: ['tenants'],
    queryFn: ({ signal }) => client.call(listTenants, { query: { limit: TENANTS_OFFERED }, signal }),
    enabled: me.systemAdmin,
  });
  const known = new Map([...me.tenants, ...(all.data?.items ?? [])].map((one) => [one.name, one.displayName]));
  if (tenant !== undefined && !known.has(tenant)) known.set(tenant, tenant);
  if (known.size === 0) return null;
  return (
    <Select
      w={{ base: 150, xs: 200 }}
      aria-label={t('frame.tenant')}
      allowDeselect={false}
      searchable={known.size > 8}
      value={tenant ?? null}
      placeholder={t('frame.tenant')}
      data={[...known].map(([name, displayName]) => ({ value: name, label: displayName }))}
      onChange={(name) => name !== null && void navigate({ to: '/tenants/$tenant', params: { tenant: name } })}
    />
  );
}

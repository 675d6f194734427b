import { Outlet, useParams } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useLiveChanges } from '../kit/live-changes.ts';
import { remember } from '../kit/remembered.ts';

/** What the pages of one tenant have in common: they are live, and the tenant is where one comes back to. */
export function TenantPages() {
  const { tenant } = useParams({ from: '/signed-in/tenants/$tenant' });
  useLiveChanges(tenant);
  useEffect(() => remember('tenant', tenant), [tenant]);
  return <Outlet />;
}

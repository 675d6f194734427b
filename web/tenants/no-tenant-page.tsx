import { Button } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { IconBuildingCommunity, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { useMe } from '../session/session-queries.ts';
import { EmptyNote } from '../ui/empty-note.tsx';
import { TenantForm } from './tenants-panel.tsx';

/** Where somebody lands who may work nowhere yet. */
export function NoTenantPage() {
  const { t } = useTranslation();
  const me = useMe();
  const navigate = useNavigate();
  const [creating, setCreating] = useState(false);
  usePageTitle(t('tenants.noneTitle'));
  return (
    <EmptyNote
      icon={<IconBuildingCommunity size={44} stroke={1.3} />}
      title={t('tenants.noneTitle')}
      text={t(me.systemAdmin ? 'tenants.noneAdminText' : 'tenants.noneText')}
    >
      {me.systemAdmin && (
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
          {t('admin.newTenant')}
        </Button>
      )}
      {creating && (
        <TenantForm
          tenant={null}
          onClose={() => setCreating(false)}
          onDone={({ name }) => void navigate({ to: '/tenants/$tenant', params: { tenant: name } })}
        />
      )}
    </EmptyNote>
  );
}

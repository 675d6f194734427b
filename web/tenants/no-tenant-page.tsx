import { IconBuildingCommunity } from '@tabler/icons-react';
import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { useMe } from '../session/session-queries.ts';
import { CopyCode } from '../ui/copy-code.tsx';
import { EmptyNote } from '../ui/empty-note.tsx';

/** Where somebody lands who may work nowhere yet. */
export function NoTenantPage() {
  const { t } = useTranslation();
  const me = useMe();
  usePageTitle(t('tenants.noneTitle'));
  return (
    <EmptyNote
      icon={<IconBuildingCommunity size={44} stroke={1.3} />}
      title={t('tenants.noneTitle')}
      {...(me.systemAdmin ? {} : { text: t('tenants.noneText') })}
    >
      {me.systemAdmin && (
        <>
          <Text c="dimmed" size="sm">
            {t('tenants.noneAdmin')}
          </Text>
          <CopyCode text="./sodate tenant create my-team" />
        </>
      )}
    </EmptyNote>
  );
}

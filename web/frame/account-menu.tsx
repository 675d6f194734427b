import { ActionIcon, Menu } from '@mantine/core';
import { signOut } from '@sodate/contract/session.ts';
import { useMutation } from '@tanstack/react-query';
import { Link, useParams, useRouter } from '@tanstack/react-router';
import { IconKey, IconLogout, IconUserCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { notifications } from '@mantine/notifications';
import { isSessionEnd, useClient } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { useSentences } from '../ui/use-sentences.ts';

export function AccountMenu() {
  const { t } = useTranslation();
  const sentences = useSentences();
  const client = useClient();
  const router = useRouter();
  const me = useMe();
  const { tenant } = useParams({ strict: false });
  const leave = useMutation({
    // A session that has ended already is what was wanted.
    mutationFn: () => client.call(signOut).catch((error: unknown) => (isSessionEnd(error) ? undefined : Promise.reject(error))),
    onSuccess: () => {
      // Everything is forgotten with the page itself: nothing of this user stays in memory for the next.
      window.location.assign(router.buildLocation({ to: '/sign-in' }).href);
    },
    onError: (error) => notifications.show({ color: 'red', title: t('error.title'), message: sentences.error(error).text }),
  });
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`${t('frame.account')}: ${me.displayName}`}>
          <IconUserCircle size={22} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown maw={280}>
        <Menu.Label>
          {me.displayName}
          {me.displayName !== me.name && ` (${me.name})`}
        </Menu.Label>
        {tenant !== undefined && mayWork(me, tenant) && (
          <Menu.Item
            leftSection={<IconKey size={16} aria-hidden />}
            renderRoot={(props) => <Link {...props} to="/tenants/$tenant/administration" params={{ tenant }} search={{ section: 'gitCredentials' }} />}
          >
            {t('admin.section.gitCredentials')}
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => leave.mutate()} disabled={leave.isPending}>
          {t('session.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

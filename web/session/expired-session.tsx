import { Anchor, Modal, Stack, Text } from '@mantine/core';
import type { Me } from '@sodate/contract/session.ts';
import { useRouter } from '@tanstack/react-router';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { useFlag } from '../kit/flag.ts';
import { lazyPart } from '../kit/lazy-part.ts';
import { usePlatform } from '../kit/platform.tsx';
import { ME_KEY, useMe } from './session-queries.ts';

const SignInForm = lazyPart(
  () => import('./sign-in-form.tsx'),
  (part) => part.SignInForm,
);

/** Asks for the password again above the page, which stays as it is with everything typed into it. */
export function ExpiredSession() {
  const { t } = useTranslation();
  const { queries, sessionExpired } = usePlatform();
  const me = useMe();
  const router = useRouter();
  const opened = useFlag(sessionExpired);

  const onSignedIn = (now: Me): void => {
    // Somebody else must not see what the one before was allowed to see.
    if (now.id !== me.id) queries.clear();
    queries.setQueryData(ME_KEY, now);
    sessionExpired.set(false);
    if (now.id === me.id) void queries.invalidateQueries();
    else router.history.replace('/');
  };
  const leave = (): void => {
    sessionExpired.set(false);
    queries.clear();
    router.history.replace('/sign-in');
  };
  return (
    <Modal
      opened={opened}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
      centered
      title={t('session.expiredTitle')}
      zIndex={1000}
    >
      <Stack>
        <Text size="sm">{t('session.expiredText')}</Text>
        <Suspense fallback={null}>
          <SignInForm name={me.name} onSignedIn={onSignedIn} />
        </Suspense>
        <Anchor component="button" type="button" size="sm" onClick={leave}>
          {t('session.otherUser')}
        </Anchor>
      </Stack>
    </Modal>
  );
}

import { Title } from '@mantine/core';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { usePlatform } from '../kit/platform.tsx';
import { SessionPage } from './session-page.tsx';
import { ME_KEY } from './session-queries.ts';
import { SignInForm } from './sign-in-form.tsx';

const route = getRouteApi('/sign-in');

export function SignInPage() {
  const { t } = useTranslation();
  const { queries } = usePlatform();
  const router = useRouter();
  const { next } = route.useSearch();
  usePageTitle(t('session.signIn'));
  return (
    <SessionPage>
      <Title order={1} size="h3" mb="md">
        {t('session.signIn')}
      </Title>
      <SignInForm
        onSignedIn={(me) => {
          queries.clear();
          queries.setQueryData(ME_KEY, me);
          router.history.replace(next ?? '/');
        }}
      />
    </SessionPage>
  );
}

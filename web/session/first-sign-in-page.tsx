import { Alert, Anchor, Button, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { signInByLink } from '@sodate/contract/session.ts';
import { useMutation } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { usePlatform } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { takeFirstSignInSecret } from './first-sign-in-secret.ts';
import { SessionPage } from './session-page.tsx';
import { ME_KEY } from './session-queries.ts';

const SHORTEST_PASSWORD = 8;

/** Redeems a one-time link: its reader chooses a password and is signed in. */
export function FirstSignInPage({ secretOfAddress }: { readonly secretOfAddress: string | null }) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const router = useRouter();
  const [secret, setSecret] = useState(secretOfAddress);
  usePageTitle(t('session.firstTitle'));
  useEffect(() => {
    // Another link pasted into the same tab changes only what is behind the #, which loads nothing.
    const onHash = (): void => setSecret((before) => takeFirstSignInSecret(window.location, window.history) ?? before);
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);

  const form = useForm({
    initialValues: { password: '', again: '' },
    validate: {
      password: (value) => (value.length < SHORTEST_PASSWORD ? t('session.passwordTooShort') : null),
      again: (value, values) => (value === values.password ? null : t('session.passwordsDiffer')),
    },
  });
  const send = useMutation({
    mutationFn: ({ password }: { password: string }) => client.call(signInByLink, { body: { secret: secret ?? '', password, keep: 'cookie' } }),
    onSuccess: ({ me }) => {
      queries.clear();
      queries.setQueryData(ME_KEY, me);
      router.history.replace('/');
    },
  });
  return (
    <SessionPage>
      <Title order={1} size="h3" mb="xs">
        {t('session.firstTitle')}
      </Title>
      {secret === null ? (
        <Stack>
          <Alert color="orange" variant="light">
            {t('session.noSecret')}
          </Alert>
          <Anchor component={Link} to="/sign-in" size="sm">
            {t('session.toSignIn')}
          </Anchor>
        </Stack>
      ) : (
        <form noValidate onSubmit={form.onSubmit((values) => send.mutate(values))}>
          <Stack>
            <Text size="sm" c="dimmed">
              {t('session.firstText')}
            </Text>
            <PasswordInput
              label={t('session.newPassword')}
              description={t('session.passwordForm')}
              autoComplete="new-password"
              autoFocus
              {...form.getInputProps('password')}
            />
            <PasswordInput label={t('session.repeatPassword')} autoComplete="new-password" {...form.getInputProps('again')} />
            {send.error !== null && <ErrorPanel error={send.error} />}
            <Button type="submit" loading={send.isPending}>
              {t('session.firstSubmit')}
            </Button>
          </Stack>
        </form>
      )}
    </SessionPage>
  );
}

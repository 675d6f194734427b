import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { type Me, signIn } from '@sodate/contract/session.ts';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';

/** Name and password; used by the sign-in page and above a page whose session has ended. */
export function SignInForm({ name = '', onSignedIn }: { readonly name?: string; readonly onSignedIn: (me: Me) => void }) {
  const { t } = useTranslation();
  const client = useClient();
  const form = useForm({
    initialValues: { name, password: '' },
    validate: {
      name: (value) => (value.trim() === '' ? t('session.required') : null),
      password: (value) => (value === '' ? t('session.required') : null),
    },
  });
  const send = useMutation({
    mutationFn: (values: { name: string; password: string }) => client.call(signIn, { body: { ...values, keep: 'cookie' } }),
    onSuccess: ({ me }) => onSignedIn(me),
  });
  return (
    <form noValidate onSubmit={form.onSubmit((values) => send.mutate(values))}>
      <Stack>
        <TextInput
          label={t('session.name')}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus={name === ''}
          data-autofocus={name === '' || undefined}
          {...form.getInputProps('name')}
        />
        <PasswordInput
          label={t('session.password')}
          autoComplete="current-password"
          autoFocus={name !== ''}
          data-autofocus={name !== '' || undefined}
          {...form.getInputProps('password')}
        />
        {send.error !== null && <ErrorPanel error={send.error} />}
        <Button type="submit" loading={send.isPending}>
          {t('session.signIn')}
        </Button>
      </Stack>
    </form>
  );
}

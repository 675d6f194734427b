import { Alert, Button, FileButton, Group, PasswordInput, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { type GitCredential, putMyGitCredential, putTenantGitCredential } from '@sodate/contract/git-credentials.ts';
import type { GitEndpoint } from '@sodate/contract/git.ts';
import { useMutation } from '@tanstack/react-query';
import { IconFileImport } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { gitCredentialsQuery } from './git-queries.ts';
import { looksLikePrivateKey, PRIVATE_KEY_LIMIT, transportOf } from './git-transport.ts';

export type CredentialOwner = GitCredential['owner'];

/** What somebody, or their tenant, signs in with at a git server: goes in, never comes out. Takes the place of what was set. */
export function GitCredentialForm({
  tenant,
  endpoint,
  owner,
  present,
  onClose,
  onDone,
}: {
  readonly tenant: string;
  readonly endpoint: GitEndpoint;
  readonly owner: CredentialOwner;
  /** What is set now. */
  readonly present: GitCredential | undefined;
  readonly onClose: () => void;
  readonly onDone?: () => void;
}) {
  const { t } = useTranslation();
  const { t: tg } = useTranslation('git');
  const { client, queries } = usePlatform();
  const ssh = transportOf(endpoint.url ?? '') === 'ssh';
  const [userName, setUserName] = useState(present?.userName ?? 'git');
  const [token, setToken] = useState('');
  const [privateKey, setPrivateKey] = useState('');
  const [tooLarge, setTooLarge] = useState(false);
  const body = { userName, token: token === '' ? undefined : token, privateKey: privateKey.trim() === '' ? undefined : privateKey };
  const put = useMutation({
    mutationFn: () => client.call(owner === 'mine' ? putMyGitCredential : putTenantGitCredential, { params: { tenant, endpoint: endpoint.id }, body }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: gitCredentialsQuery(client, tenant).queryKey });
      // What could not be read before may be now.
      void queries.invalidateQueries({ queryKey: [tenant, 'git'] });
      onDone?.();
      onClose();
    },
  });
  const refused = putMyGitCredential.body.safeParse(body).error?.issues.map(({ path }) => path[0]) ?? [];
  const keyWrong = privateKey.trim() !== '' && !looksLikePrivateKey(privateKey);
  const readFile = async (file: File | null): Promise<void> => {
    setTooLarge(file !== null && file.size > PRIVATE_KEY_LIMIT);
    if (file !== null && file.size <= PRIVATE_KEY_LIMIT) setPrivateKey(await file.text());
  };
  return (
    <FormDialog
      title={tg(owner === 'mine' ? 'setTitleMine' : 'setTitleTenant', { name: endpoint.name })}
      submit={t('action.save')}
      valid={refused.length === 0 && !keyWrong}
      sending={put.isPending}
      error={put.error}
      onSubmit={() => put.mutate()}
      onClose={onClose}
    >
      <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {endpoint.url}
      </Text>
      {present !== undefined && (
        <Alert color="yellow" variant="light" py="xs">
          {tg('replacesAll')}
        </Alert>
      )}
      {ssh && (
        <Stack gap={6}>
          <Textarea
            label={tg('privateKey')}
            description={tg('privateKeyHint')}
            value={privateKey}
            onChange={(event) => setPrivateKey(event.currentTarget.value)}
            maxLength={PRIVATE_KEY_LIMIT}
            autosize
            minRows={3}
            maxRows={6}
            autoComplete="off"
            spellCheck={false}
            error={tooLarge ? tg('keyTooLarge') : keyWrong ? tg('privateKeyForm') : null}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
            data-autofocus
          />
          <Group>
            <FileButton onChange={(file) => void readFile(file)}>
              {(props) => (
                <Button {...props} size="xs" variant="default" leftSection={<IconFileImport size={14} aria-hidden />}>
                  {tg('chooseKey')}
                </Button>
              )}
            </FileButton>
          </Group>
        </Stack>
      )}
      {(!ssh || endpoint.apiUrl !== null) && (
        <>
          <PasswordInput
            label={tg(ssh ? 'tokenForList' : 'token')}
            description={tg(ssh ? 'tokenForListHint' : 'tokenHint')}
            value={token}
            autoComplete="new-password"
            onChange={(event) => setToken(event.currentTarget.value)}
            error={token !== '' && refused.includes('token') ? tg('tokenForm') : null}
            data-autofocus={ssh ? undefined : true}
          />
          <TextInput
            label={tg('userName')}
            description={tg('userNameHint')}
            value={userName}
            maxLength={255}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            onChange={(event) => setUserName(event.currentTarget.value)}
            error={refused.includes('userName') ? tg('userNameForm') : null}
          />
        </>
      )}
    </FormDialog>
  );
}

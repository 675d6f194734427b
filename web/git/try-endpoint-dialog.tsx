import { Alert, Button, Group, List, Loader, Modal, Stack, Text, TextInput } from '@mantine/core';
import { isSodateError } from '@sodate/contract/errors.ts';
import { type GitEndpoint, listBranches, listRepositories, RepositoryName } from '@sodate/contract/git.ts';
import { useMutation, useQuery } from '@tanstack/react-query';
import { IconCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { MySignIn } from './my-sign-in.tsx';
import { SignInOffer } from './sign-in-offer.tsx';

const SHOWN = 8;

/** Whether an endpoint can be reached and read now, as the one who asks; where it lists nothing, by one repository's branches. */
export function TryEndpointDialog({ tenant, endpoint, onClose }: { readonly tenant: string; readonly endpoint: GitEndpoint; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const { t: tg, i18n } = useTranslation('git');
  const client = useClient();
  const [repository, setRepository] = useState('');
  const [signingIn, setSigningIn] = useState(false);
  const params = { tenant, endpoint: endpoint.id };
  const listed = useQuery({
    queryKey: [tenant, 'git', endpoint.id, 'tried'],
    queryFn: ({ signal }) => client.call(listRepositories, { params, query: { limit: SHOWN }, signal }),
    // Every try is a fresh one.
    staleTime: 0,
    gcTime: 0,
  });
  const branches = useMutation({ mutationFn: (name: string) => client.call(listBranches, { params, query: { repository: name } }) });
  const withoutList = isSodateError(listed.error) && listed.error.code === 'git-without-list';
  const items = listed.data?.items ?? [];
  // In place of this dialog, which goes on where it was: of two on top of each other Escape would close both.
  if (signingIn) return <MySignIn tenant={tenant} endpoint={endpoint} onClose={() => setSigningIn(false)} />;
  return (
    <Modal opened onClose={onClose} title={tg('tryTitle', { name: endpoint.name })} centered closeButtonProps={{ 'aria-label': t('action.close') }}>
      <Stack>
        <Text size="sm" c="dimmed">
          {tg('tryText')}
        </Text>
        {listed.isFetching && <Loader size="sm" />}
        {listed.error !== null && !withoutList && !listed.isFetching && (
          <ErrorPanel error={listed.error} onRetry={() => void listed.refetch()}>
            <SignInOffer tenant={tenant} error={listed.error} onChoose={() => setSigningIn(true)} />
          </ErrorPanel>
        )}
        {listed.data !== undefined && (
          <Alert color="leaf" variant="light" icon={<IconCheck aria-hidden />} role="status" title={tg('answers')}>
            {items.length === 0 && listed.data.nextCursor === null ? (
              tg('noneReadable')
            ) : (
              <>
                {tg('readable')}
                <List size="sm">
                  {items.map(({ name }) => (
                    <List.Item key={name} style={{ overflowWrap: 'anywhere' }}>
                      {name}
                    </List.Item>
                  ))}
                  {listed.data.nextCursor !== null && <List.Item>{tg('moreThere')} …</List.Item>}
                </List>
              </>
            )}
          </Alert>
        )}
        {withoutList && (
          <form
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              if (RepositoryName.safeParse(repository).success) branches.mutate(repository);
            }}
          >
            <Stack gap="xs">
              <Text size="sm">{tg('withoutList')}</Text>
              <TextInput
                label={tg('tryRepository')}
                value={repository}
                maxLength={500}
                spellCheck={false}
                autoCapitalize="none"
                onChange={(event) => setRepository(event.currentTarget.value)}
                data-autofocus
              />
              <Group>
                <Button type="submit" size="xs" disabled={!RepositoryName.safeParse(repository).success} loading={branches.isPending}>
                  {tg('readBranches')}
                </Button>
              </Group>
              {branches.data !== undefined && (
                <Alert color="leaf" variant="light" icon={<IconCheck aria-hidden />} role="status" title={tg('answers')}>
                  {tg('branches', { repository: branches.variables, amount: formatNumber(branches.data.items.length, i18n.language) })}
                </Alert>
              )}
              {branches.error !== null && (
                <ErrorPanel error={branches.error}>
                  <SignInOffer tenant={tenant} error={branches.error} onChoose={() => setSigningIn(true)} />
                </ErrorPanel>
              )}
            </Stack>
          </form>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('action.close')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

import { Badge, Button, Stack, Text, Title } from '@mantine/core';
import { deleteMyGitCredential, deleteTenantGitCredential, type GitCredential } from '@sodate/contract/git-credentials.ts';
import type { GitEndpoint } from '@sodate/contract/git.ts';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { mayAdminister } from '../tenants/rights.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { Moment } from '../ui/moment.tsx';
import { PanelState } from '../ui/panel-state.tsx';
import { SettingList, SettingRow } from '../ui/setting-list.tsx';
import { type CredentialOwner, GitCredentialForm } from './git-credential-form.tsx';
import { gitCredentialsQuery, gitEndpointsQuery } from './git-queries.ts';
import { TryEndpointDialog } from './try-endpoint-dialog.tsx';

interface Asking {
  readonly what: 'set' | 'forget' | 'try';
  readonly endpoint: GitEndpoint;
  readonly owner: CredentialOwner;
}

/** What is signed in with at every git server there is: one's own, and the tenant's. */
export function GitCredentialsPanel({ tenant }: { readonly tenant: string }) {
  const { t: tg } = useTranslation('git');
  const { client, queries } = usePlatform();
  const administers = mayAdminister(useMe(), tenant);
  const endpoints = useQuery(gitEndpointsQuery(client));
  const credentials = useQuery(gitCredentialsQuery(client, tenant));
  const [asking, setAsking] = useState<Asking | null>(null);
  const close = (): void => setAsking(null);
  const forget = useMutation({
    mutationFn: ({ owner, endpoint }: Asking) =>
      client.call(owner === 'mine' ? deleteMyGitCredential : deleteTenantGitCredential, { params: { tenant, endpoint: endpoint.id } }),
    onSuccess: () => {
      close();
      void queries.invalidateQueries({ queryKey: gitCredentialsQuery(client, tenant).queryKey });
      void queries.invalidateQueries({ queryKey: [tenant, 'git'] });
    },
  });
  const servers = (endpoints.data?.items ?? []).filter(({ url }) => url !== null);
  const find = (endpoint: GitEndpoint, owner: CredentialOwner): GitCredential | undefined =>
    credentials.data?.items.find((one) => one.endpoint.id === endpoint.id && one.owner === owner);
  const loaded = endpoints.data !== undefined && credentials.data !== undefined;
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {tg('credentialsText')}
      </Text>
      <PanelState
        query={endpoints.error === null && endpoints.data !== undefined ? credentials : endpoints}
        empty={loaded && servers.length === 0 ? tg('noServers') : null}
      />
      {loaded &&
        servers.length > 0 &&
        (['mine', 'tenant'] as const).map((owner) => (
          <Stack key={owner} gap="xs" component="section" aria-label={tg(owner === 'mine' ? 'mine' : 'ofTenant')}>
            <div>
              <Title order={2} size="h5">
                {tg(owner === 'mine' ? 'mine' : 'ofTenant')}
              </Title>
              <Text size="xs" c="dimmed">
                {tg(owner === 'mine' ? 'mineText' : 'ofTenantText')}
              </Text>
            </div>
            <SettingList label={tg(owner === 'mine' ? 'mine' : 'ofTenant')}>
              {servers.map((endpoint) => {
                const present = find(endpoint, owner);
                const may = owner === 'mine' || administers;
                return (
                  <SettingRow
                    key={endpoint.id}
                    title={endpoint.name}
                    badges={present?.holds.map((held) => (
                      <Badge key={held} size="sm" variant="default" tt="none" radius="sm" fw={450}>
                        {tg(`holds.${held}`)}
                      </Badge>
                    ))}
                    note={
                      present === undefined ? (
                        tg(owner === 'mine' && find(endpoint, 'tenant') !== undefined ? 'nothingSetMine' : 'nothingSet')
                      ) : (
                        <>
                          {tg('setAs', { user: present.userName })} <Moment at={present.setAt} />
                        </>
                      )
                    }
                  >
                    {owner === 'mine' && (
                      <Button size="xs" variant="default" onClick={() => setAsking({ what: 'try', endpoint, owner })}>
                        {tg('try')}
                      </Button>
                    )}
                    {may && (
                      <Button size="xs" variant="default" onClick={() => setAsking({ what: 'set', endpoint, owner })}>
                        {tg(present === undefined ? 'set' : 'replace')}
                      </Button>
                    )}
                    {may && present !== undefined && (
                      <Button size="xs" variant="default" onClick={() => setAsking({ what: 'forget', endpoint, owner })}>
                        {tg('forget')}
                      </Button>
                    )}
                  </SettingRow>
                );
              })}
            </SettingList>
          </Stack>
        ))}
      {asking?.what === 'set' && (
        <GitCredentialForm tenant={tenant} endpoint={asking.endpoint} owner={asking.owner} present={find(asking.endpoint, asking.owner)} onClose={close} />
      )}
      {asking?.what === 'try' && <TryEndpointDialog tenant={tenant} endpoint={asking.endpoint} onClose={close} />}
      <ConfirmDialog
        opened={asking?.what === 'forget'}
        title={tg(asking?.owner === 'tenant' ? 'forgetTitleTenant' : 'forgetTitleMine', { name: asking?.endpoint.name ?? '' })}
        text={tg('forgetText')}
        confirm={tg('forget')}
        working={forget.isPending}
        error={forget.error}
        onConfirm={() => asking !== null && forget.mutate(asking)}
        onClose={() => {
          close();
          forget.reset();
        }}
      />
    </Stack>
  );
}

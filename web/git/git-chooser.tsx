import { Alert, Autocomplete, Button, Group, Loader, Radio, Select, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { listBranches, listCommits, listRepositories, RepositoryName, Revision } from '@sodate/contract/git.ts';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { useClient } from '../kit/platform.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { Moment } from '../ui/moment.tsx';
import classes from './git-chooser.module.css';
import { gitEndpointsQuery } from './git-queries.ts';

const SignInOffer = lazyPart(
  () => import('./sign-in-offer.tsx'),
  (part) => part.SignInOffer,
);
const MySignIn = lazyPart(
  () => import('./my-sign-in.tsx'),
  (part) => part.MySignIn,
);

const COMMITS_PER_PAGE = 20;
const COMMIT_SHOWN = 10;

export interface ChosenSource {
  readonly endpoint: string;
  readonly repository: string;
  /** A branch or tag; empty for the repository's default. */
  readonly branch: string;
  /** Empty for the newest of the branch at submission. */
  readonly commit: string;
}

/** Which code a run gets: endpoint → repository → branch → commit, each chosen from what there is, or typed. */
export function GitChooser({
  tenant,
  value,
  onChange,
  error,
}: {
  readonly tenant: string;
  readonly value: ChosenSource;
  readonly onChange: (change: Partial<ChosenSource>) => void;
  readonly error: string | null;
}) {
  const { t } = useTranslation();
  const client = useClient();
  const { endpoint, repository, branch, commit } = value;
  const endpoints = useQuery(gitEndpointsQuery(client));
  const [signingIn, setSigningIn] = useState(false);
  const only = endpoints.data?.items.length === 1 ? endpoints.data.items[0]?.name : undefined;
  useEffect(() => {
    if (endpoint === '' && only !== undefined) onChange({ endpoint: only });
  }, [endpoint, only, onChange]);
  const repositories = useQuery({
    queryKey: [tenant, 'git', endpoint, 'repositories'],
    queryFn: ({ signal }) => client.call(listRepositories, { params: { tenant, endpoint }, signal }),
    enabled: endpoint !== '',
  });
  const known = repositories.data?.items.some(({ name }) => name === repository) ?? false;
  const mayAsk = endpoint !== '' && RepositoryName.safeParse(repository).success && (known || repositories.data === undefined);
  const branches = useQuery({
    queryKey: [tenant, 'git', endpoint, repository, 'branches'],
    queryFn: ({ signal }) => client.call(listBranches, { params: { tenant, endpoint }, query: { repository }, signal }),
    enabled: mayAsk,
  });
  const revision = branch === '' ? undefined : branch;
  const commits = useInfiniteQuery({
    queryKey: [tenant, 'git', endpoint, repository, 'commits', branch],
    queryFn: ({ signal, pageParam }) =>
      client.call(listCommits, { params: { tenant, endpoint }, query: { repository, revision, limit: COMMITS_PER_PAGE, skip: pageParam }, signal }),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => (last.items.length < COMMITS_PER_PAGE ? undefined : pages.length * COMMITS_PER_PAGE),
    enabled: mayAsk && (branch === '' || Revision.safeParse(branch).success),
    placeholderData: keepPreviousData,
  });
  const items = commits.data?.pages.flatMap((page) => page.items) ?? [];
  const [newest] = items;
  const chosen = endpoints.data?.items.find(({ name }) => name === endpoint);
  const failure = endpoints.error ?? repositories.error ?? branches.error ?? commits.error;
  return (
    <Stack gap="md">
      {endpoints.data?.items.length === 0 && (
        <Alert color="yellow" variant="light" title={t('submit.noGitTitle')}>
          {t('submit.noGitText')}
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="md">
        <Select
          label={t('submit.endpoint')}
          value={endpoint === '' ? null : endpoint}
          data={(endpoints.data?.items ?? []).map(({ name }) => name)}
          disabled={endpoints.data?.items.length === 0}
          allowDeselect={false}
          onChange={(name) => onChange({ endpoint: name ?? '', repository: '', branch: '', commit: '' })}
        />
        <Autocomplete
          label={t('submit.repository')}
          required
          value={repository}
          data={(repositories.data?.items ?? []).map(({ name }) => name)}
          limit={200}
          rightSection={repositories.isFetching ? <Loader size={14} /> : null}
          onChange={(name) => onChange({ repository: name, branch: '', commit: '' })}
          error={error}
        />
        <Autocomplete
          label={t('request.branch')}
          placeholder={branches.data?.items.find(({ isDefault }) => isDefault)?.name ?? ''}
          value={branch}
          data={(branches.data?.items ?? []).map(({ name }) => name)}
          limit={200}
          onChange={(name) => onChange({ branch: name, commit: '' })}
          error={branch === '' || Revision.safeParse(branch).success ? null : t('submit.error.revision')}
        />
      </SimpleGrid>
      {failure !== null && (
        <ErrorPanel error={failure}>
          {chosen !== undefined && (
            <Suspense fallback={null}>
              <SignInOffer tenant={tenant} error={failure} onChoose={() => setSigningIn(true)} />
            </Suspense>
          )}
        </ErrorPanel>
      )}
      {signingIn && chosen !== undefined && (
        <Suspense fallback={null}>
          <MySignIn tenant={tenant} endpoint={chosen} onClose={() => setSigningIn(false)} />
        </Suspense>
      )}
      {mayAsk && commits.isPending && commits.fetchStatus === 'fetching' && <Skeleton h={100} />}
      {mayAsk && items.length > 0 && (
        <Radio.Group label={t('submit.commit')} value={commit} onChange={(id) => onChange({ commit: id })}>
          {commit !== '' && newest !== undefined && newest.id !== commit && (
            <Alert color="blue" variant="light" mt={6}>
              <Group gap="xs">
                {t('submit.newerCommits')}
                <Button size="compact-xs" variant="default" onClick={() => onChange({ commit: '' })}>
                  {t('submit.useNewest')}
                </Button>
              </Group>
            </Alert>
          )}
          <div className={classes['commits']}>
            <Radio className={classes['commit'] ?? ''} value="" label={t('submit.newest')} />
            {commit !== '' && !items.some(({ id }) => id === commit) && (
              <Radio className={classes['commit'] ?? ''} value={commit} label={<span className={classes['id']}>{commit.slice(0, COMMIT_SHOWN)}</span>} />
            )}
            {items.map(({ id, author, message, committedAt }) => (
              <Radio
                key={id}
                className={classes['commit'] ?? ''}
                value={id}
                label={
                  <span>
                    <span className={classes['id']}>{id.slice(0, COMMIT_SHOWN)}</span> {message.split('\n')[0]}
                    <Text size="xs" c="dimmed" component="span" display="block">
                      {author} · <Moment at={committedAt} />
                    </Text>
                  </span>
                }
              />
            ))}
            {commits.hasNextPage && (
              <Button size="compact-sm" variant="subtle" loading={commits.isFetchingNextPage} onClick={() => void commits.fetchNextPage()}>
                {t('action.loadMore')}
              </Button>
            )}
          </div>
        </Radio.Group>
      )}
    </Stack>
  );
}

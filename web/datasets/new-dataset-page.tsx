import { Button, Group, Skeleton, Stack } from '@mantine/core';
import { createDataset } from '@sodate/contract/datasets.ts';
import { Title } from '@sodate/contract/names.ts';
import { useMutation } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { dropDraft, readDraft, writeDraft } from '../kit/drafts.ts';
import { lazyPart } from '../kit/lazy-part.ts';
import { usePageTitle } from '../kit/page-title.ts';
import { usePlatform } from '../kit/platform.tsx';
import { randomKey } from '../kit/random-key.ts';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { DatasetDraft, EMPTY_DRAFT, entriesBody } from './dataset-draft.ts';

const route = getRouteApi('/signed-in/tenants/$tenant/datasets/new');
const DatasetEditor = lazyPart(
  () => import('./dataset-editor.tsx'),
  (part) => part.DatasetEditor,
);

/** A new data set. What is arranged is kept in this tab until it is made. */
export function NewDatasetPage() {
  const { tenant } = route.useParams();
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const navigate = useNavigate();
  const kept = `dataset ${tenant}`;
  const [draft, setDraft] = useState(() => readDraft(kept, DatasetDraft) ?? EMPTY_DRAFT);
  const [key, setKey] = useState(randomKey);
  usePageTitle(t('datasets.new'), tenant);
  const change = (next: DatasetDraft): void => {
    setDraft(next);
    // Another request must not be taken for the one before it.
    setKey(randomKey());
    writeDraft(kept, next);
  };
  const create = useMutation({
    mutationFn: () =>
      client.call(createDataset, { params: { tenant }, body: { name: draft.name, memo: draft.memo, ...entriesBody(draft) }, idempotencyKey: key }),
    onSuccess: async (dataset) => {
      dropDraft(kept);
      void queries.invalidateQueries({ queryKey: [tenant, 'dataset', 'list'] });
      await navigate({ to: '/tenants/$tenant/datasets/$dataset', params: { tenant, dataset: String(dataset.number) } });
    },
  });
  return (
    <Stack gap="md">
      <PageHead title={t('datasets.new')} />
      <Suspense fallback={<Skeleton h={480} />}>
        <DatasetEditor tenant={tenant} draft={draft} onChange={change} mayChooseForm />
      </Suspense>
      {create.error !== null && <ErrorPanel error={create.error} />}
      <Group justify="flex-end">
        <Button variant="default" component={Link} to={`/tenants/${tenant}/datasets`} onClick={() => dropDraft(kept)}>
          {t('action.cancel')}
        </Button>
        <Button disabled={!Title.safeParse(draft.name).success} loading={create.isPending} onClick={() => create.mutate()}>
          {t('datasets.create')}
        </Button>
      </Group>
    </Stack>
  );
}

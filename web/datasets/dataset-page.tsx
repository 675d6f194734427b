import { Alert, Badge, Button, Group, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { copyDataset, type DatasetDetails, deleteDataset, getDataset, updateDataset } from '@sodate/contract/datasets.ts';
import { Title } from '@sodate/contract/names.ts';
import { useMutation } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconCopy, IconDatabase, IconLock, IconPencil, IconPlayerPlay, IconSitemap, IconTrash } from '@tabler/icons-react';
import { Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { THING_TABS } from '../data/data-search.ts';
import { dropDraft, readDraft, writeDraft } from '../kit/drafts.ts';
import { lazyPart } from '../kit/lazy-part.ts';
import { usePageTitle } from '../kit/page-title.ts';
import { useClient, usePlatform } from '../kit/platform.tsx';
import { useThing } from '../kit/thing-by-reference.ts';
import { Lineage } from '../lineage/lineage.tsx';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatNumber } from '../ui/formats.ts';
import { ThingHead } from '../ui/thing-head.tsx';
import { DatasetDraft, draftOf, entriesBody, sameEntries } from './dataset-draft.ts';
import { DatasetEntries } from './dataset-entries.tsx';

const route = getRouteApi('/signed-in/tenants/$tenant/datasets/$dataset');
const DatasetEditor = lazyPart(
  () => import('./dataset-editor.tsx'),
  (part) => part.DatasetEditor,
);

/** One data set: what lies in it, changed as long as no run has used it. */
export function DatasetPage() {
  const { tenant, dataset: reference } = route.useParams();
  const client = useClient();
  const { thing, error, refetch } = useThing<DatasetDetails>({
    tenant,
    topic: 'dataset',
    reference,
    load: (dataset, signal) => client.call(getDataset, { params: { tenant, dataset }, signal }),
  });
  if (thing === undefined) return error === null ? <Skeleton h={420} /> : <ErrorPanel error={error} onRetry={refetch} />;
  return (
    <Stack gap="md">
      {error !== null && <ErrorPanel error={error} onRetry={refetch} />}
      <DatasetView key={thing.id} tenant={tenant} dataset={thing} />
    </Stack>
  );
}

function DatasetView({ tenant, dataset }: { readonly tenant: string; readonly dataset: DatasetDetails }) {
  const { t, i18n } = useTranslation();
  const { client, queries } = usePlatform();
  const may = mayWork(useMe(), tenant);
  const { tab = 'content' } = route.useSearch();
  const navigate = useNavigate();
  const kept = `dataset ${tenant} ${dataset.id}`;
  const [draft, setDraft] = useState(() => readDraft(kept, DatasetDraft));
  const [begunFrom, setBegunFrom] = useState<DatasetDraft | null>(null);
  const [deleting, setDeleting] = useState(false);
  usePageTitle(dataset.name, `${t('lineage.kind.dataset')} ${dataset.number}`, tenant);

  const change = (next: DatasetDraft): void => {
    setDraft(next);
    writeDraft(kept, next);
  };
  const endEditing = (): void => {
    setDraft(null);
    setBegunFrom(null);
    dropDraft(kept);
  };
  const toList = (): Promise<void> => navigate({ to: '/tenants/$tenant/datasets', params: { tenant } });
  const params = { tenant, dataset: dataset.id };
  const save = useMutation({
    mutationFn: (next: DatasetDraft) =>
      client.call(updateDataset, { params, body: { name: next.name, memo: next.memo, ...(sameEntries(next, draftOf(dataset)) ? {} : entriesBody(next)) } }),
    onSuccess: (changed) => {
      queries.setQueryData([tenant, 'dataset', dataset.id], changed);
      endEditing();
    },
  });
  const copy = useMutation({
    mutationFn: () => client.call(copyDataset, { params, body: { name: t('datasets.copyName', { name: dataset.name }).slice(0, 255) } }),
    onSuccess: async (made) => {
      notifications.show({ message: t('datasets.copied', { number: made.number }) });
      await navigate({ to: '/tenants/$tenant/datasets/$dataset', params: { tenant, dataset: String(made.number) } });
    },
  });
  const remove = useMutation({
    mutationFn: () => client.call(deleteDataset, { params }),
    onSuccess: async () => {
      notifications.show({ message: t('datasets.deleted', { name: dataset.name }) });
      await toList();
      queries.removeQueries({ queryKey: [tenant, 'dataset', dataset.id] });
    },
  });

  if (draft !== null) {
    const changedMeanwhile = begunFrom !== null && !sameEntries(begunFrom, draftOf(dataset));
    return (
      <Stack gap="md">
        <ThingHead over={`${t('lineage.kind.dataset')} ${dataset.number}`} name={t('datasets.edit', { name: dataset.name })} memo="" />
        {changedMeanwhile && (
          <Alert color="yellow" variant="light">
            {t('datasets.changedMeanwhile')}
          </Alert>
        )}
        <Suspense fallback={<Skeleton h={480} />}>
          <DatasetEditor tenant={tenant} draft={draft} onChange={change} mayChooseForm={false} />
        </Suspense>
        {save.error !== null && <ErrorPanel error={save.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={endEditing}>
            {t('action.cancel')}
          </Button>
          <Button disabled={!Title.safeParse(draft.name).success} loading={save.isPending} onClick={() => save.mutate(draft)}>
            {t('action.save')}
          </Button>
        </Group>
      </Stack>
    );
  }
  return (
    <Stack gap="md">
      <ThingHead
        over={`${t('lineage.kind.dataset')} ${dataset.number} · ${dataset.createdBy.displayName} · ${t('datasets.entries', { amount: formatNumber(dataset.entryCount, i18n.language) })}`}
        name={dataset.name}
        memo={dataset.memo}
        badge={
          dataset.locked && (
            <Badge variant="light" color="gray" tt="none" radius="sm" leftSection={<IconLock size={12} aria-hidden />}>
              {t('datasets.locked')}
            </Badge>
          )
        }
      >
        {may && (
          <>
            <Button
              renderRoot={(props) => (
                <Link {...props} to="/tenants/$tenant/runs/new/$kind" params={{ tenant, kind: 'training' }} search={{ dataset: dataset.number }} />
              )}
              leftSection={<IconPlayerPlay size={16} aria-hidden />}
            >
              {t('datasets.train')}
            </Button>
            <Button
              variant="default"
              leftSection={<IconPencil size={16} aria-hidden />}
              onClick={() => {
                setBegunFrom(draftOf(dataset));
                change(draftOf(dataset));
              }}
              disabled={dataset.locked}
            >
              {t('action.edit')}
            </Button>
            <Button variant="default" leftSection={<IconCopy size={16} aria-hidden />} loading={copy.isPending} onClick={() => copy.mutate()}>
              {t('datasets.copy')}
            </Button>
            <Button variant="default" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setDeleting(true)}>
              {t('action.delete')}
            </Button>
          </>
        )}
      </ThingHead>
      {copy.error !== null && <ErrorPanel error={copy.error} />}
      {dataset.locked && (
        <Alert color="gray" variant="light" icon={<IconLock aria-hidden />} title={t('datasets.lockedTitle')}>
          <Text size="sm">{t('datasets.lockedText')}</Text>
        </Alert>
      )}
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => {
          const chosen = THING_TABS.find((one) => one === value);
          void navigate({ to: '.', search: { tab: chosen === 'content' ? undefined : chosen }, replace: true });
        }}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="content" leftSection={<IconDatabase size={16} aria-hidden />}>
            {t('datasets.content')}
          </Tabs.Tab>
          <Tabs.Tab value="lineage" leftSection={<IconSitemap size={16} aria-hidden />}>
            {t('run.ancestry')}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="content">
          <DatasetEntries tenant={tenant} dataset={dataset} />
        </Tabs.Panel>
        <Tabs.Panel value="lineage">
          <Lineage tenant={tenant} root={{ kind: 'dataset', id: dataset.id, label: `#${dataset.number} ${dataset.name}` }} />
        </Tabs.Panel>
      </Tabs>
      <ConfirmDialog
        opened={deleting}
        title={t('data.deleteTitle', { name: dataset.name })}
        text={t('datasets.deleteText')}
        confirm={t('run.deleteConfirm')}
        working={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
        onClose={() => {
          setDeleting(false);
          remove.reset();
        }}
      />
    </Stack>
  );
}

import { Anchor, Button, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { type Data, getData } from '@sodate/contract/data.ts';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconFiles, IconPencil, IconSitemap, IconTrash, IconUpload } from '@tabler/icons-react';
import { Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { usePageTitle } from '../kit/page-title.ts';
import { useClient } from '../kit/platform.tsx';
import { useThing } from '../kit/thing-by-reference.ts';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { Fact } from '../ui/fact.tsx';
import facts from '../ui/facts.module.css';
import { formatBytes, formatNumber } from '../ui/formats.ts';
import { Moment } from '../ui/moment.tsx';
import { ThingHead } from '../ui/thing-head.tsx';
import { DataFiles } from './data-files.tsx';
import { THING_TABS } from './data-search.ts';

const route = getRouteApi('/signed-in/tenants/$tenant/data/$data');
const DeleteDataDialog = lazyPart(
  () => import('./delete-data-dialog.tsx'),
  (part) => part.DeleteDataDialog,
);
const EditDataDialog = lazyPart(
  () => import('./edit-data-dialog.tsx'),
  (part) => part.EditDataDialog,
);
const Lineage = lazyPart(
  () => import('../lineage/lineage.tsx'),
  (part) => part.Lineage,
);
const UploadDialog = lazyPart(
  () => import('./upload-dialog.tsx'),
  (part) => part.UploadDialog,
);

/** One data: what it is, its files, and what it came from and went into. */
export function DataPage() {
  const { tenant, data: reference } = route.useParams();
  const client = useClient();
  const { thing, error, refetch } = useThing<Data>({
    tenant,
    topic: 'data',
    reference,
    load: (data, signal) => client.call(getData, { params: { tenant, data }, signal }),
  });
  if (thing === undefined) return error === null ? <Skeleton h={420} /> : <ErrorPanel error={error} onRetry={refetch} />;
  return (
    <Stack gap="md">
      {error !== null && <ErrorPanel error={error} onRetry={refetch} />}
      <DataView key={thing.id} tenant={tenant} data={thing} />
    </Stack>
  );
}

function DataView({ tenant, data }: { readonly tenant: string; readonly data: Data }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const { tab = 'content' } = route.useSearch();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<'edit' | 'upload' | 'delete' | null>(null);
  const close = (): void => setAsking(null);
  usePageTitle(data.name, `${t('lineage.kind.data')} ${data.number}`, tenant);
  return (
    <Stack gap="md">
      <ThingHead over={`${t('lineage.kind.data')} ${data.number} · ${data.createdBy.displayName}`} name={data.name} tags={data.tags} memo={data.memo}>
        {mayWork(me, tenant) && (
          <>
            <Button variant="default" leftSection={<IconUpload size={16} aria-hidden />} onClick={() => setAsking('upload')}>
              {t('data.addFiles')}
            </Button>
            <Button variant="default" leftSection={<IconPencil size={16} aria-hidden />} onClick={() => setAsking('edit')}>
              {t('action.edit')}
            </Button>
            <Button variant="default" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setAsking('delete')}>
              {t('action.delete')}
            </Button>
          </>
        )}
      </ThingHead>
      <dl className={facts['facts']}>
        <Fact label={t('data.fileCount')}>{formatNumber(data.fileCount, i18n.language)}</Fact>
        <Fact label={t('data.size')}>{formatBytes(data.totalSize, i18n.language)}</Fact>
        <Fact label={t('data.created')}>
          <Moment at={data.createdAt} />
        </Fact>
        {data.parent !== null && (
          <Fact label={t('data.parent')}>
            <Anchor inherit component={Link} to={`/tenants/${tenant}/data/${data.parent.number}`}>
              {data.parent.name} #{data.parent.number}
            </Anchor>
          </Fact>
        )}
      </dl>
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => {
          const chosen = THING_TABS.find((one) => one === value);
          void navigate({ to: '.', search: { tab: chosen === 'content' ? undefined : chosen }, replace: true });
        }}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="content" leftSection={<IconFiles size={16} aria-hidden />}>
            {t('data.files')}
          </Tabs.Tab>
          <Tabs.Tab value="lineage" leftSection={<IconSitemap size={16} aria-hidden />}>
            {t('run.ancestry')}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="content">
          <DataFiles tenant={tenant} data={data} />
        </Tabs.Panel>
        <Tabs.Panel value="lineage">
          <Suspense fallback={<Skeleton h={420} />}>
            <Lineage tenant={tenant} root={{ kind: 'data', id: data.id, label: `#${data.number} ${data.name}` }} />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
      <Suspense fallback={null}>
        {asking === 'edit' && <EditDataDialog tenant={tenant} data={data} onClose={close} />}
        {asking === 'upload' && <UploadDialog tenant={tenant} first={[]} into={data} onClose={close} />}
        {asking === 'delete' && (
          <DeleteDataDialog tenant={tenant} data={[data]} onClose={close} onDone={() => void navigate({ to: '/tenants/$tenant/data', params: { tenant } })} />
        )}
      </Suspense>
      {asking === null && data.fileCount === 0 && (
        <Text size="xs" c="dimmed">
          {t('data.noFilesHint')}
        </Text>
      )}
    </Stack>
  );
}

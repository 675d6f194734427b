import { SegmentedControl, Skeleton, Stack } from '@mantine/core';
import { Suspense, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { recall, remember } from '../kit/remembered.ts';
import { LineageList } from './lineage-list.tsx';
import type { LineageRoot } from './lineage-queries.ts';

const LineageGraph = lazyPart(
  () => import('./lineage-graph.tsx'),
  (part) => part.LineageGraph,
);

/** How a thing came to be and what became of it: drawn, or as text for those who read better than they look. */
export function Lineage({ tenant, root }: { readonly tenant: string; readonly root: LineageRoot }) {
  const { t } = useTranslation();
  const { kind, id, label } = root;
  const stable = useMemo(() => ({ kind, id, label }), [kind, id, label]);
  const [view, setView] = useState(recall('lineage-view') === 'list' ? 'list' : 'graph');
  return (
    <Stack gap="sm">
      <SegmentedControl
        w="fit-content"
        size="xs"
        aria-label={t('lineage.view')}
        value={view}
        onChange={(chosen) => {
          setView(chosen);
          remember('lineage-view', chosen);
        }}
        data={[
          { value: 'graph', label: t('lineage.graph') },
          { value: 'list', label: t('lineage.list') },
        ]}
      />
      {view === 'list' ? (
        <LineageList tenant={tenant} root={root} />
      ) : (
        <Suspense fallback={<Skeleton h={420} />}>
          <LineageGraph key={`${root.kind} ${root.id}`} tenant={tenant} root={stable} />
        </Suspense>
      )}
    </Stack>
  );
}

import { Alert, List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { formatNumber } from '../ui/formats.ts';
import { lossesQuery } from './metric-queries.ts';

const COUNTED = ['dropped', 'malformedLines', 'damagedRecords', 'skippedFiles'] as const;

/** Says what of a run's metrics is missing, so that nobody looks for it; nothing while all is there. */
export function MetricLosses({ tenant, run }: { readonly tenant: string; readonly run: string }) {
  const { t, i18n } = useTranslation();
  const client = useClient();
  const losses = useQuery(lossesQuery(client, tenant, run)).data;
  if (losses === undefined) return null;
  const said = COUNTED.filter((kind) => losses[kind] > 0).map((kind) => t(`metrics.losses.${kind}`, { amount: formatNumber(losses[kind], i18n.language) }));
  if (losses.folderTooLarge) said.push(t('metrics.losses.folderTooLarge'));
  if (said.length === 0) return null;
  return (
    <Alert color="yellow" icon={<IconAlertTriangle size={18} aria-hidden />} title={t('metrics.losses.title')}>
      <List size="sm">
        {said.map((line) => (
          <List.Item key={line}>{line}</List.Item>
        ))}
      </List>
    </Alert>
  );
}

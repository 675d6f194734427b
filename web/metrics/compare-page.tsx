import { Box, CloseButton, Group, Paper, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { IconChartLine } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { usePageTitle } from '../kit/page-title.ts';
import { useClient } from '../kit/platform.tsx';
import { EmptyNote } from '../ui/empty-note.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { StateBadge } from '../ui/state-badge.tsx';
import { readRunReferences } from './compare-search.ts';
import { comparisonQuery } from './metric-queries.ts';
import { Metrics } from './metrics.tsx';
import { RunKey } from './run-key.tsx';

const route = getRouteApi('/signed-in/tenants/$tenant/compare');

/** Several runs over each other, and side by side. */
export function ComparePage() {
  const { t } = useTranslation();
  const { tenant } = route.useParams();
  const { runs: text, view = 'charts' } = route.useSearch();
  const navigate = route.useNavigate();
  const runs = readRunReferences(text);
  usePageTitle(t('compare.title'), tenant);
  return (
    <Stack gap="md">
      <PageHead title={t('compare.title')} />
      {runs.length === 0 ? (
        <EmptyNote icon={<IconChartLine size={40} stroke={1.3} />} title={t('compare.noneTitle')} text={t('compare.noneText')} />
      ) : (
        <>
          <ComparedRuns
            tenant={tenant}
            runs={runs}
            onRemove={(names) =>
              void navigate({ search: (search) => ({ ...search, runs: runs.filter((run) => !names.includes(run)).join(',') || undefined }), replace: true })
            }
          />
          <Metrics
            tenant={tenant}
            runs={runs}
            view={view}
            onView={(chosen) => void navigate({ search: (search) => ({ ...search, view: chosen === 'charts' ? undefined : chosen }), replace: true })}
          />
        </>
      )}
    </Stack>
  );
}

function ComparedRuns({
  tenant,
  runs,
  onRemove,
}: {
  readonly tenant: string;
  readonly runs: readonly string[];
  /** What the run may be called in the address. */ readonly onRemove: (names: readonly string[]) => void;
}) {
  const { t } = useTranslation();
  const client = useClient();
  const compared = useQuery(comparisonQuery(client, tenant, runs)).data?.runs ?? [];
  if (compared.length === 0) return null;
  return (
    <Group gap="xs" component="ul" p={0} m={0} aria-label={t('compare.runs')} style={{ listStyle: 'none' }}>
      {compared.map((run, index) => (
        <Paper key={run.id} withBorder component="li" px="sm" py={4} maw="100%">
          <Group gap={8} wrap="nowrap" fz="sm">
            <RunKey tenant={tenant} run={run} index={index} />
            <Box flex="none">
              <StateBadge state={run.state} />
            </Box>
            <CloseButton size="sm" aria-label={t('compare.remove', { name: run.name })} onClick={() => onRemove([run.id, `${run.kind}-${run.number}`])} />
          </Group>
        </Paper>
      ))}
    </Group>
  );
}

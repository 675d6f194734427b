import { Button, Group, Paper, Text } from '@mantine/core';
import { buildPath } from '@sodate/client/build-path.ts';
import { archiveSomeOutputs, deleteRun, stopRun, updateRun } from '@sodate/contract/run-routes.ts';
import type { RunSummary } from '@sodate/contract/runs.ts';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconChartLine, IconDownload, IconPlayerStop, IconTag, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { eachThing } from '../kit/each-thing.ts';
import { usePlatform } from '../kit/platform.tsx';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { EditTagsDialog } from '../ui/edit-tags-dialog.tsx';
import { formatNumber } from '../ui/formats.ts';
import { Refusals } from '../ui/refusals.tsx';
import { canStop, hasEnded, runReference } from './run-words.ts';
import classes from '../ui/selection-bar.module.css';

/** What can be done with the runs that are chosen; there while some are. */
export function RunsSelection({ tenant, runs, onClear }: { readonly tenant: string; readonly runs: readonly RunSummary[]; readonly onClear: () => void }) {
  const { t, i18n } = useTranslation();
  const { client, queries } = usePlatform();
  const [asking, setAsking] = useState<'stop' | 'delete' | 'tags' | null>(null);
  const act = useMutation({
    mutationFn: ({ what, which }: { what: 'stop' | 'delete'; which: readonly RunSummary[] }) =>
      eachThing(which, (run) =>
        what === 'stop' ? client.call(stopRun, { params: { tenant, run: run.id }, body: {} }) : client.call(deleteRun, { params: { tenant, run: run.id } }),
      ),
    onSuccess: ({ refused }) => {
      void queries.invalidateQueries({ queryKey: [tenant, 'run'] });
      if (refused.length > 0) return;
      setAsking(null);
      onClear();
    },
  });
  if (runs.length === 0) return null;
  const amount = (some: readonly unknown[]): string => formatNumber(some.length, i18n.language);
  const stoppable = runs.filter(({ state }) => canStop(state));
  const ended = runs.filter(({ state }) => hasEnded(state));
  const what = asking === 'delete' ? 'delete' : 'stop';
  const which = what === 'delete' ? ended : stoppable;
  const close = (): void => {
    setAsking(null);
    act.reset();
  };
  return (
    <Paper withBorder className={classes['bar'] ?? ''} role="region" aria-label={t('runs.selection')}>
      <Group gap="xs">
        <Text size="sm" fw={550} aria-live="polite">
          {t('data.selected', { amount: amount(runs) })}
        </Text>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconChartLine size={14} aria-hidden />}
          renderRoot={(props) => <Link {...props} to="/tenants/$tenant/compare" params={{ tenant }} search={{ runs: runs.map(runReference).join(',') }} />}
        >
          {t('compare.open')}
        </Button>
        <Button
          size="xs"
          variant="default"
          component="a"
          href={buildPath(archiveSomeOutputs.path, { tenant }, { run: runs.map(runReference) })}
          download
          leftSection={<IconDownload size={14} aria-hidden />}
        >
          {t('runs.downloadOutputs')}
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlayerStop size={14} aria-hidden />}
          disabled={stoppable.length === 0}
          onClick={() => setAsking('stop')}
        >
          {t('run.stop')}
        </Button>
        <Button size="xs" variant="default" leftSection={<IconTag size={14} aria-hidden />} onClick={() => setAsking('tags')}>
          {t('data.editTags')}
        </Button>
        <Button size="xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} disabled={ended.length === 0} onClick={() => setAsking('delete')}>
          {t('run.delete')}
        </Button>
        <Button size="xs" variant="subtle" color="gray" onClick={onClear}>
          {t('action.clearSelection')}
        </Button>
      </Group>
      <ConfirmDialog
        opened={asking === 'stop' || asking === 'delete'}
        title={t(what === 'stop' ? 'runs.stopTitle' : 'runs.deleteTitle', { amount: amount(which) })}
        text={t(what === 'stop' ? 'run.stopText' : 'run.deleteText')}
        confirm={t(what === 'stop' ? 'run.stopConfirm' : 'run.deleteConfirm')}
        working={act.isPending}
        error={act.error}
        onConfirm={() => act.mutate({ what, which })}
        onClose={close}
      >
        <Refusals refused={(act.data?.refused ?? []).map(({ thing, error }) => ({ name: thing.name, error }))} />
      </ConfirmDialog>
      {asking === 'tags' && (
        <EditTagsDialog
          things={runs}
          topic={[tenant, 'run']}
          onTag={(run, tags) => client.call(updateRun, { params: { tenant, run }, body: { tags } })}
          onClose={close}
          onDone={onClear}
        />
      )}
    </Paper>
  );
}

import { Button, Group, Modal, NumberInput, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { deleteRun, type Run, stopRun } from '@sodate/contract/run-routes.ts';
import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { IconBrain, IconCopy, IconPlayerStop, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePlatform } from '../kit/platform.tsx';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { canStop, hasEnded, runReference } from './run-words.ts';

const GRACE_SECONDS = 10;

/** Stop while it lives, delete once it has ended; for those who may. */
export function RunActions({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const me = useMe();
  const { t } = useTranslation();
  if (!mayWork(me, tenant)) return null;
  return (
    <Group gap="xs">
      {run.kind === 'training' && hasEnded(run.state) && (
        <Button
          leftSection={<IconBrain size={16} aria-hidden />}
          renderRoot={(props) => (
            <Link {...props} to="/tenants/$tenant/runs/new/$kind" params={{ tenant, kind: 'inference' }} search={{ parent: runReference(run) }} />
          )}
        >
          {t('run.infer')}
        </Button>
      )}
      {run.kind !== 'tracked' && (
        <Button
          variant="default"
          leftSection={<IconCopy size={16} aria-hidden />}
          renderRoot={(props) => (
            <Link {...props} to="/tenants/$tenant/runs/new/$kind" params={{ tenant, kind: run.kind }} search={{ from: runReference(run) }} />
          )}
        >
          {t('run.again')}
        </Button>
      )}
      {!hasEnded(run.state) && <StopRun tenant={tenant} run={run} />}
      {hasEnded(run.state) && <DeleteRun tenant={tenant} run={run} />}
    </Group>
  );
}

function StopRun({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const [asking, setAsking] = useState(false);
  const [graceSeconds, setGraceSeconds] = useState<number>(GRACE_SECONDS);
  const stop = useMutation({
    mutationFn: () => client.call(stopRun, { params: { tenant, run: run.id }, body: { graceSeconds } }),
    onSuccess: () => {
      setAsking(false);
      notifications.show({ message: t('run.stopping', { run: runReference(run) }) });
      void queries.invalidateQueries({ queryKey: [tenant, 'run'] });
    },
  });
  return (
    <>
      <Button variant="default" leftSection={<IconPlayerStop size={16} aria-hidden />} disabled={!canStop(run.state)} onClick={() => setAsking(true)}>
        {t('run.stop')}
      </Button>
      <Modal
        opened={asking}
        onClose={() => setAsking(false)}
        title={t('run.stopTitle', { run: runReference(run) })}
        centered
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault();
            stop.mutate();
          }}
        >
          <Stack>
            <Text size="sm">{t('run.stopText')}</Text>
            <NumberInput
              label={t('run.grace')}
              min={0}
              max={3600}
              allowDecimal={false}
              clampBehavior="strict"
              value={graceSeconds}
              onChange={(value) => setGraceSeconds(Number(value) || 0)}
            />
            {stop.error !== null && <ErrorPanel error={stop.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setAsking(false)} data-autofocus>
                {t('action.cancel')}
              </Button>
              <Button type="submit" color="red.9" loading={stop.isPending}>
                {t('run.stopConfirm')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

function DeleteRun({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t } = useTranslation();
  const { client, queries } = usePlatform();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => client.call(deleteRun, { params: { tenant, run: run.id } }),
    onSuccess: async () => {
      notifications.show({ message: t('run.deleted', { run: runReference(run) }) });
      await navigate({ to: '/tenants/$tenant/runs', params: { tenant } });
      queries.removeQueries({ queryKey: [tenant, 'run', run.id] });
      void queries.invalidateQueries({ queryKey: [tenant, 'run', 'list'] });
    },
  });
  return (
    <>
      <Button variant="default" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setAsking(true)}>
        {t('run.delete')}
      </Button>
      <Modal
        opened={asking}
        onClose={() => setAsking(false)}
        title={t('run.deleteTitle', { run: runReference(run) })}
        centered
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        <Stack>
          <Text size="sm">{t('run.deleteText')}</Text>
          {remove.error !== null && <ErrorPanel error={remove.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(false)} data-autofocus>
              {t('action.cancel')}
            </Button>
            <Button color="red.9" loading={remove.isPending} onClick={() => remove.mutate()}>
              {t('run.deleteConfirm')}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}

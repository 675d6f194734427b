import { ActionIcon, Anchor, Button, CloseButton, Group, Paper, Progress, Stack, Text, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconPlayerPause, IconPlayerPlay, IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { formatBytes, formatNumber } from '../ui/formats.ts';
import { useSentences } from '../ui/use-sentences.ts';
import { type Upload, useUploadList, useUploads } from './uploads.ts';
import classes from './upload-tray.module.css';

/** What is being uploaded, above whatever page one is on. Closing the tab meanwhile is asked back. */
export function UploadTray() {
  const { t } = useTranslation();
  const uploads = useUploads();
  const list = useUploadList(uploads);
  const busy = list.some(({ state }) => state !== 'done');
  useEffect(() => {
    if (!busy) return undefined;
    const onLeave = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', onLeave);
    return () => window.removeEventListener('beforeunload', onLeave);
  }, [busy]);
  if (list.length === 0) return null;
  return (
    <Paper withBorder shadow="md" className={classes['tray'] ?? ''} component="section" aria-label={t('upload.tray')}>
      <Stack gap={0}>
        {list.map((upload) => (
          <Line key={upload.id} upload={upload} />
        ))}
      </Stack>
    </Paper>
  );
}

function Line({ upload }: { readonly upload: Upload }) {
  const { t, i18n } = useTranslation();
  const sentences = useSentences();
  const uploads = useUploads();
  const { id, plan, state, bytes, bytesSent, files, numbers } = upload;
  const part = state === 'done' ? 1 : bytes === 0 ? 0 : bytesSent / bytes;
  const [only] = numbers;
  return (
    <div className={classes['line']}>
      <Group gap={4} wrap="nowrap" justify="space-between">
        <Text size="sm" fw={550} truncate title={plan.title}>
          {plan.title}
        </Text>
        <Group gap={2} wrap="nowrap">
          {state === 'going' && <Act label={t('upload.pause')} icon={<IconPlayerPause size={16} />} onClick={() => uploads.pause(id)} />}
          {state === 'paused' && <Act label={t('upload.resume')} icon={<IconPlayerPlay size={16} />} onClick={() => uploads.resume(id)} />}
          {state === 'done' ? (
            <CloseButton size="sm" aria-label={t('action.close')} onClick={() => uploads.dismiss(id)} />
          ) : (
            <Act label={t('upload.cancel')} icon={<IconX size={16} />} onClick={() => uploads.cancel(id)} />
          )}
        </Group>
      </Group>
      <Progress
        value={part * 100}
        size="sm"
        color={state === 'failed' ? 'red' : state === 'paused' ? 'gray' : 'leaf'}
        aria-label={`${t('upload.tray')}: ${plan.title}`}
        my={4}
      />
      <Text size="xs" c="dimmed" aria-live="polite">
        {t(`upload.state.${state}`)} · {t('upload.files', { files: formatNumber(files, i18n.language) })} · {formatBytes(bytesSent, i18n.language)} /{' '}
        {formatBytes(bytes, i18n.language)}
      </Text>
      {state === 'failed' && (
        <Group gap="xs" mt={4} align="flex-start" wrap="nowrap">
          <Text size="xs" c="var(--sodate-red-text)" role="alert" flex={1}>
            {sentences.error(upload.error).text}
          </Text>
          <Button size="compact-xs" variant="default" onClick={() => uploads.resume(id)}>
            {t('action.retry')}
          </Button>
        </Group>
      )}
      {state === 'done' && numbers.length === 1 && (
        <Anchor size="xs" component={Link} to={`/tenants/${plan.tenant}/data/${only}`}>
          {t('upload.open', { number: only })}
        </Anchor>
      )}
    </div>
  );
}

function Act({ label, icon, onClick }: { readonly label: string; readonly icon: ReactNode; readonly onClick: () => void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon size="sm" variant="subtle" color="gray" onClick={onClick} aria-label={label}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}

import { ActionIcon, Button, Group, Select, Switch, Text, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { buildPath } from '@sodate/client/build-path.ts';
import { getLog, type Run } from '@sodate/contract/run-routes.ts';
import { IconArrowBarToDown, IconArrowBarToUp, IconChevronDown, IconChevronUp, IconDownload, IconSearch } from '@tabler/icons-react';
import type { TFunction } from 'i18next';
import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFlag } from '../kit/flag.ts';
import { usePlatform } from '../kit/platform.tsx';
import { recall, remember } from '../kit/remembered.ts';
import { ErrorPanel } from '../ui/error-panel.tsx';
import { formatBytes, formatNumber } from '../ui/formats.ts';
import { LogView, type LogViewHandle } from '../ui/log/log-view.tsx';
import classes from './run-log.module.css';
import { hasEnded, runReference } from './run-words.ts';
import { useLogSearch } from './use-log-search.ts';
import { type RunLog as Log, useRunLog } from './use-run-log.ts';

export function RunLog({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t, i18n } = useTranslation();
  const [attempt, setAttempt] = useState<number | undefined>(undefined);
  const [fromBeginning, setFromBeginning] = useState(false);
  const [turn, setTurn] = useState(0);
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(recall('log-wrap') === 'yes');
  const [wanted, setWanted] = useState('');
  const [searched] = useDebouncedValue(wanted, 150);
  const [hit, setHit] = useState<number | null>(null);
  const view = useRef<LogViewHandle>(null);
  const log = useRunLog({ tenant, run: run.id, attempt, latestAttempt: run.attempt, fromBeginning, turn });
  const { search, hits } = useLogSearch(log.lines, log.version, searched);

  const hitIndex = hit === null ? -1 : hits.indexOf(hit);
  const step = (by: 1 | -1): void => {
    if (hits.length === 0) return;
    // The first step goes to the last match: what is sought in a log is mostly near its end.
    const index = hitIndex < 0 ? hits.length - 1 : (hitIndex + by + hits.length) % hits.length;
    const line = hits[index] ?? null;
    setHit(line);
    setFollow(false);
    if (line !== null) view.current?.toLine(line);
  };
  const onSearchKey = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') step(event.shiftKey ? 1 : -1);
    if (event.key === 'Escape') setWanted('');
  };
  const toStart = (): void => {
    setFollow(false);
    if (log.startsAt > 0) setFromBeginning(true);
    else view.current?.toStart();
  };
  const download = buildPath(getLog.path, { tenant, run: run.id }, { attempt });
  const empty = log.lines.end === 0;

  return (
    <div className={classes['panel']}>
      <Group gap="xs" className={classes['tools'] ?? ''}>
        <TextInput
          className={classes['search'] ?? ''}
          size="xs"
          value={wanted}
          onChange={(event) => {
            setWanted(event.currentTarget.value);
            setHit(null);
          }}
          onKeyDown={onSearchKey}
          placeholder={t('log.search')}
          aria-label={t('log.search')}
          leftSection={<IconSearch size={14} aria-hidden />}
          rightSectionWidth={searched === '' ? 0 : 118}
          rightSection={
            searched === '' ? null : (
              <Group gap={2} wrap="nowrap">
                <Text size="xs" c="dimmed" aria-live="polite" style={{ whiteSpace: 'nowrap' }}>
                  {hits.length === 0
                    ? t('log.noHits')
                    : t('log.hits', { at: hitIndex < 0 ? '–' : formatNumber(hitIndex + 1, i18n.language), total: formatNumber(hits.length, i18n.language) })}
                </Text>
                <ActionIcon size="xs" variant="subtle" color="gray" disabled={hits.length === 0} onClick={() => step(-1)} aria-label={t('log.previousHit')}>
                  <IconChevronUp />
                </ActionIcon>
                <ActionIcon size="xs" variant="subtle" color="gray" disabled={hits.length === 0} onClick={() => step(1)} aria-label={t('log.nextHit')}>
                  <IconChevronDown />
                </ActionIcon>
              </Group>
            )
          }
        />
        {run.attempt > 1 && (
          <Select
            size="xs"
            w={120}
            allowDeselect={false}
            aria-label={t('run.attempt')}
            value={String(attempt ?? run.attempt)}
            data={Array.from({ length: run.attempt }, (_, index) => ({ value: String(index + 1), label: t('log.attempt', { number: index + 1 }) }))}
            onChange={(value) => setAttempt(value === null || Number(value) === run.attempt ? undefined : Number(value))}
          />
        )}
        <Switch size="xs" label={t('log.follow')} checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
        <Switch
          size="xs"
          label={t('log.wrap')}
          checked={wrap}
          onChange={(event) => {
            setWrap(event.currentTarget.checked);
            remember('log-wrap', event.currentTarget.checked ? 'yes' : 'no');
          }}
        />
        <Group gap={4} ms="auto" wrap="nowrap">
          <Tooltip label={t('log.toStart')}>
            <ActionIcon variant="default" onClick={toStart} aria-label={t('log.toStart')}>
              <IconArrowBarToUp size={16} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={t('log.toEnd')}>
            <ActionIcon
              variant="default"
              onClick={() => {
                setFollow(true);
                view.current?.toEnd();
              }}
              aria-label={t('log.toEnd')}
            >
              <IconArrowBarToDown size={16} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={t('log.download')}>
            <ActionIcon variant="default" component="a" href={download} download={`${runReference(run)}.log`} aria-label={t('log.download')}>
              <IconDownload size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      {log.startsAt > 0 && (
        <Notice text={t('log.earlier', { bytes: formatBytes(log.startsAt, i18n.language) })}>
          <Button
            size="compact-xs"
            variant="light"
            onClick={() => {
              setFollow(false);
              setFromBeginning(true);
            }}
          >
            {t('log.loadEarlier')}
          </Button>
        </Notice>
      )}
      {log.lines.first > 0 && <Notice text={t('log.dropped', { lines: formatNumber(log.lines.first, i18n.language) })} />}
      {log.status === 'failed' && <ErrorPanel error={log.error} onRetry={() => setTurn(turn + 1)} />}
      {empty ? (
        <div className={classes['empty']}>
          <Text c="dimmed" size="sm">
            {emptyText(log, run, t)}
          </Text>
        </div>
      ) : (
        <LogView
          lines={log.lines}
          version={log.version}
          label={t('log.region')}
          follow={follow}
          onFollow={setFollow}
          wrap={wrap}
          search={search}
          currentLine={hit}
          handle={view}
        />
      )}
      <Footer log={log} />
    </div>
  );
}

function emptyText(log: Log, run: Run, t: TFunction): string {
  if (log.status === 'loading') return t('log.loading');
  if (hasEnded(run.state)) return t('log.emptyEnded');
  return run.startedAt === null ? t('log.emptyQueued') : t('log.empty');
}

function Notice({ text, children }: { readonly text: string; readonly children?: ReactNode }) {
  return (
    <Group gap="sm" className={classes['notice'] ?? ''}>
      <Text size="xs">{text}</Text>
      {children}
    </Group>
  );
}

function Footer({ log }: { readonly log: Log }) {
  const { t, i18n } = useTranslation();
  const lost = useFlag(usePlatform().connectionLost);
  const amount = t('log.lines', {
    lines: formatNumber(log.lines.end - log.lines.first, i18n.language),
    bytes: formatBytes(log.endsAt - log.startsAt, i18n.language),
  });
  const live = log.status === 'live';
  return (
    <Group gap="xs" className={classes['footer'] ?? ''}>
      <Text size="xs" c="dimmed">
        {amount}
      </Text>
      {live && lost && (
        <Text size="xs" c="orange">
          {t('log.reconnecting')}
        </Text>
      )}
      {live && !lost && (
        <Text size="xs" c="dimmed">
          <span className={classes['pulse']} aria-hidden /> {t('log.live')}
        </Text>
      )}
      {log.status === 'complete' && (
        <Text size="xs" c="dimmed">
          {t('log.complete')}
        </Text>
      )}
    </Group>
  );
}

import { Anchor, Breadcrumbs, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { buildPath } from '@sodate/client/build-path.ts';
import { archiveOutputs, type Run } from '@sodate/contract/run-routes.ts';
import { useQuery } from '@tanstack/react-query';
import { IconFolderOpen } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../../kit/platform.tsx';
import { EmptyNote } from '../../ui/empty-note.tsx';
import { ErrorPanel } from '../../ui/error-panel.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { visibleName } from '../../ui/visible-name.ts';
import { OUTPUTS_PER_PAGE, outputsQuery } from '../run-queries.ts';
import { FoundOutputs } from './found-outputs.tsx';
import { OutputTable } from './output-table.tsx';
import classes from './run-outputs.module.css';
import { hasEnded } from '../run-words.ts';

interface Place {
  readonly path: string;
  /** Of the pages of this folder gone through; the last one is shown. */
  readonly cursors: readonly string[];
}

/** The output folder, level by level, or searched by name. */
export function RunOutputs({ tenant, run }: { readonly tenant: string; readonly run: Run }) {
  const { t } = useTranslation();
  const [text, setText] = useState<string | undefined>();
  const [{ path, cursors }, setPlace] = useState<Place>({ path: '', cursors: [] });
  const setPath = (next: string): void => {
    setText(undefined);
    setPlace({ path: next, cursors: [] });
  };
  const outputs = useQuery(outputsQuery(useClient(), tenant, run.id, path, cursors.at(-1), !hasEnded(run.state)));
  const segments = path === '' ? [] : path.split('/');
  const items = outputs.data?.items;
  const nextCursor = outputs.data?.nextCursor ?? null;
  const before = cursors.length * OUTPUTS_PER_PAGE;

  if (path === '' && items?.length === 0) {
    return <EmptyNote icon={<IconFolderOpen size={40} stroke={1.3} />} title={t('outputs.emptyTitle')} text={t('outputs.emptyText')} />;
  }
  return (
    <Stack gap="sm">
      {/* In a row: the field grows along the line that it stands in. */}
      <Group>
        <SearchField value={text} onChange={setText} label={t('outputs.search')} />
      </Group>
      <nav aria-label={t('outputs.path')}>
        <Breadcrumbs separatorMargin={6} className={classes['path'] ?? ''}>
          {['', ...segments].map((segment, index) => {
            const target = segments.slice(0, index).join('/');
            const text = index === 0 ? t('outputs.root') : visibleName(segment);
            return index === segments.length ? (
              <Text key={target} size="sm" fw={550} aria-current="page">
                {text}
              </Text>
            ) : (
              <Anchor key={target} component="button" type="button" size="sm" onClick={() => setPath(target)}>
                {text}
              </Anchor>
            );
          })}
        </Breadcrumbs>
      </nav>
      {text === undefined ? (
        <>
          {outputs.error !== null && <ErrorPanel error={outputs.error} onRetry={() => void outputs.refetch()} />}
          {outputs.isPending && <Skeleton h={160} />}
          {items?.length === 0 && (
            <Text size="sm" c="dimmed">
              {t('outputs.empty')}
            </Text>
          )}
          {items !== undefined && items.length > 0 && <OutputTable tenant={tenant} run={run} below={path} items={items} onFolder={setPath} />}
          {items !== undefined && items.length > 0 && (
            <Group gap="sm">
              <Anchor size="sm" href={buildPath(archiveOutputs.path, { tenant, run: run.id }, { path })} download>
                {t('outputs.archive')}
              </Anchor>
              {(cursors.length > 0 || nextCursor !== null) && (
                <>
                  <Text size="sm" c="dimmed">
                    {t('outputs.shown', { from: before + 1, to: before + items.length, total: outputs.data?.total.count })}
                  </Text>
                  <Button size="xs" variant="default" disabled={cursors.length === 0} onClick={() => setPlace({ path, cursors: cursors.slice(0, -1) })}>
                    {t('outputs.previous')}
                  </Button>
                  <Button
                    size="xs"
                    variant="default"
                    disabled={nextCursor === null || outputs.isPlaceholderData}
                    onClick={() => nextCursor !== null && setPlace({ path, cursors: [...cursors, nextCursor] })}
                  >
                    {t('outputs.next')}
                  </Button>
                </>
              )}
            </Group>
          )}
        </>
      ) : (
        <FoundOutputs tenant={tenant} run={run} path={path} text={text} onFolder={setPath} />
      )}
    </Stack>
  );
}

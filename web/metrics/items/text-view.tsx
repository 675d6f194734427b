import { Skeleton, Text } from '@mantine/core';
import { isSodateError } from '@sodate/contract/errors.ts';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../../kit/platform.tsx';
import { ErrorPanel } from '../../ui/error-panel.tsx';
import { type Item, itemContentQuery } from './item-queries.ts';
import classes from './items.module.css';

/** Longer ones would make the page slow; the whole is in the event file. */
const SHOWN_BYTES = 100_000;

/** A text of a job, as text: Markdown and HTML in it are not carried out. */
export function TextView({ tenant, run, name, item }: { readonly tenant: string; readonly run: string; readonly name: string; readonly item: Item }) {
  const { t } = useTranslation('items');
  const content = useQuery(itemContentQuery(useClient(), tenant, run, 'text', name, item));
  const bytes = content.data;
  const text = useMemo(() => (bytes === undefined ? '' : new TextDecoder().decode(bytes.slice(0, SHOWN_BYTES))), [bytes]);
  if (content.error !== null)
    return isSodateError(content.error) && content.error.code === 'not-found' ? (
      <Text size="sm" c="dimmed">
        {t('textGone')}
      </Text>
    ) : (
      <ErrorPanel error={content.error} onRetry={() => void content.refetch()} />
    );
  if (bytes === undefined) return <Skeleton h={80} />;
  if (bytes.byteLength === 0)
    return (
      <Text size="sm" c="dimmed">
        {t('empty')}
      </Text>
    );
  return (
    <>
      {/* A box that scrolls can be reached by the keyboard. */}
      <pre className={classes['text']} tabIndex={0} aria-label={name} role="region">
        {text}
      </pre>
      {bytes.byteLength > SHOWN_BYTES && (
        <Text size="xs" c="dimmed">
          {t('textCut')}
        </Text>
      )}
    </>
  );
}

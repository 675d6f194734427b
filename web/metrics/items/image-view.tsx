import { Skeleton, Text } from '@mantine/core';
import { isSodateError } from '@sodate/contract/errors.ts';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../../kit/platform.tsx';
import { ErrorPanel } from '../../ui/error-panel.tsx';
import { formatNumber } from '../../ui/formats.ts';
import { useObjectUrl } from '../../ui/use-object-url.ts';
import { type Item, itemContentQuery } from './item-queries.ts';
import classes from './items.module.css';
import { pictureType } from './picture-type.ts';

/** A picture of a job: bytes that begin as a PNG, JPEG or GIF, shown as that and as nothing else. */
export function ImageView({ tenant, run, name, item }: { readonly tenant: string; readonly run: string; readonly name: string; readonly item: Item }) {
  const { t } = useTranslation('items');
  const content = useQuery(itemContentQuery(useClient(), tenant, run, 'image', name, item));
  if (content.error !== null)
    return isSodateError(content.error) && content.error.code === 'not-found' ? (
      <Note text={t('imageGone')} />
    ) : (
      <ErrorPanel error={content.error} onRetry={() => void content.refetch()} />
    );
  return content.data === undefined ? <Skeleton h={160} /> : <Picture bytes={content.data} name={name} step={item.step} />;
}

function Picture({ bytes, name, step }: { readonly bytes: ArrayBuffer; readonly name: string; readonly step: number }) {
  const { t, i18n } = useTranslation('items');
  const type = pictureType(bytes);
  const address = useObjectUrl(type === null ? undefined : bytes, type ?? 'application/octet-stream');
  const [broken, setBroken] = useState<ArrayBuffer | null>(null);
  if (address === null || broken === bytes) return <Note text={t('notAPicture')} />;
  return (
    <div className={classes['picture']}>
      <img src={address} alt={t('imageLabel', { name, step: formatNumber(step, i18n.language) })} onError={() => setBroken(bytes)} />
    </div>
  );
}

const Note = ({ text }: { readonly text: string }) => (
  <Text size="sm" c="dimmed">
    {text}
  </Text>
);

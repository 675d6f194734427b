import { Alert, Center, Loader, Stack } from '@mantine/core';
import { isSodateError } from '@sodate/contract/errors.ts';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ErrorPanel } from '../error-panel.tsx';
import { useSentences } from '../use-sentences.ts';
import { visibleName } from '../visible-name.ts';
import classes from './preview.module.css';
import type { PreviewedFile } from './preview-dialog.tsx';

/**
 * A file as the page that it is, from a host of its own. Its scripts run there, with an origin that is not ours: the sandbox
 * keeps them from moving this page and from opening others, the server from everything else.
 */
export function ContentFrame({ file, otherwise }: { readonly file: PreviewedFile; readonly otherwise: ReactNode }) {
  const { t } = useTranslation();
  const sentences = useSentences();
  const opening = useQuery({
    queryKey: [...file.key, 'opening'],
    queryFn: ({ signal }) => file.open(signal),
    // An address works once: it is asked for when it is shown, and never again by itself.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  if (isSodateError(opening.error) && opening.error.code === 'content-host-needed') {
    return (
      <Stack gap="xs">
        <Alert color="gray" variant="light" py="xs">
          {sentences.error(opening.error).text}
        </Alert>
        {otherwise}
      </Stack>
    );
  }
  if (opening.error !== null) return <ErrorPanel error={opening.error} onRetry={() => void opening.refetch()} />;
  if (opening.data === undefined) {
    return (
      <Center h={200}>
        <Loader size="sm" />
      </Center>
    );
  }
  return (
    <iframe
      className={classes['frame']}
      title={t('preview.frame', { name: visibleName(file.name) })}
      src={opening.data.url}
      sandbox="allow-scripts allow-same-origin allow-forms allow-downloads"
      referrerPolicy="no-referrer"
    />
  );
}

import { Button } from '@mantine/core';
import type { Opening } from '@sodate/contract/content.ts';
import { useMutation } from '@tanstack/react-query';
import { IconExternalLink } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { ErrorPanel } from '../error-panel.tsx';

/** Opens a file in a tab of its own, at a host of its own. */
export function OpenInTab({ open }: { readonly open: (signal: AbortSignal) => Promise<Opening> }) {
  const { t } = useTranslation();
  const opening = useMutation({
    async mutationFn() {
      // Made at once, since browsers let a tab be opened by a click only; it learns its address when that is known.
      const tab = window.open('about:blank', '_blank');
      if (tab !== null) tab.opener = null;
      try {
        const { url } = await open(new AbortController().signal);
        tab?.location.replace(url);
      } catch (error) {
        tab?.close();
        throw error;
      }
    },
  });
  return (
    <>
      {opening.error !== null && <ErrorPanel error={opening.error} />}
      <Button variant="default" loading={opening.isPending} leftSection={<IconExternalLink size={16} aria-hidden />} onClick={() => opening.mutate()}>
        {t('preview.openTab')}
      </Button>
    </>
  );
}

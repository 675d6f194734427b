import { Checkbox, Code, TextInput } from '@mantine/core';
import { Title } from '@sodate/contract/names.ts';
import { createSavedSearch, type SearchedThing } from '@sodate/contract/search.ts';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useClient } from '../kit/platform.tsx';
import { randomKey } from '../kit/random-key.ts';
import { useMe } from '../session/session-queries.ts';
import { mayWork } from '../tenants/rights.ts';
import { FormDialog } from '../ui/form-dialog.tsx';
import type { SearchAsked } from './saved-searches.tsx';

export function SaveSearchDialog({
  tenant,
  thing,
  asked,
  onClose,
  onDone,
}: {
  readonly tenant: string;
  readonly thing: SearchedThing;
  readonly asked: SearchAsked;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const { t } = useTranslation();
  const client = useClient();
  const may = mayWork(useMe(), tenant);
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  const save = useMutation({
    mutationFn: () =>
      client.call(createSavedSearch, {
        params: { tenant },
        body: { thing, name, query: asked.search ?? '', sort: asked.sort ?? null, columns: [...(asked.columns ?? [])], shared },
        idempotencyKey: randomKey(),
      }),
    onSuccess: () => {
      onDone();
      onClose();
    },
  });
  return (
    <FormDialog
      title={t('search.save')}
      submit={t('action.save')}
      valid={Title.safeParse(name).success}
      sending={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {[
          asked.search ?? t('search.everything'),
          asked.sort === undefined ? '' : t('search.sortedBy', { column: asked.sort }),
          asked.columns === undefined ? '' : t('search.withColumns', { columns: asked.columns.join(', ') }),
        ]
          .filter((line) => line !== '')
          .join('\n')}
      </Code>
      <TextInput label={t('data.name')} value={name} maxLength={255} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
      {may && (
        <Checkbox label={t('search.share')} description={t('search.shareHint')} checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} />
      )}
    </FormDialog>
  );
}

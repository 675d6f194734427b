import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

const SENT_AFTER_MS = 300;

/** A search by name. The text is typed here and handed on after a pause, so that typing never waits for the server. */
export function SearchField({
  value,
  onChange,
  label,
}: {
  readonly value: string | undefined;
  readonly onChange: (text: string | undefined) => void;
  readonly label?: string;
}) {
  const { t } = useTranslation();
  const [text, setText] = useState(value ?? '');
  const [seen, setSeen] = useState(value);
  if (seen !== value) {
    // Changed from elsewhere, such as by going back.
    setSeen(value);
    if ((value ?? '') !== text.trim()) setText(value ?? '');
  }
  const send = useDebouncedCallback((wanted: string) => onChange(wanted.trim() === '' ? undefined : wanted.trim()), SENT_AFTER_MS);
  const type = (wanted: string): void => {
    setText(wanted);
    send(wanted);
  };
  return (
    <TextInput
      type="search"
      flex={{ base: '1 1 100%', xs: '1 1 200px' }}
      maw={{ base: '100%', sm: 320 }}
      value={text}
      onChange={(event) => type(event.currentTarget.value)}
      maxLength={200}
      placeholder={label ?? t('runs.search')}
      aria-label={label ?? t('runs.search')}
      title={t('runs.searchHint')}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={text === '' ? null : <CloseButton size="sm" aria-label={t('runs.clear')} onClick={() => type('')} />}
    />
  );
}

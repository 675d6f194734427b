import { Alert, Text } from '@mantine/core';
import { isSodateError } from '@sodate/contract/errors.ts';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { errorWords } from '../ui/error-words.ts';
import { wherePlace } from './where-place.ts';
import classes from './smart-search.module.css';

/** Whether an error is about the search as it was written, and is shown at its field. */
export const isAboutSearch = (error: unknown): boolean => isSodateError(error) && error.code === 'search-not-understood';

/** The search with the place marked at which it stopped making sense, and what the server says of it. */
export function NotUnderstood({ search, error }: { readonly search: string; readonly error: unknown }) {
  const { t, i18n } = useTranslation();
  if (!isSodateError(error) || error.code !== 'search-not-understood') return null;
  const { before, place, behind } = wherePlace(search, Number(error.params['at']));
  return (
    <Alert color="red" variant="light" py="xs" icon={<IconAlertTriangle aria-hidden />} role="alert" title={t('search.notUnderstood')}>
      <p className={classes['place']}>
        {before}
        <mark>{place === '' ? '␣' : place}</mark>
        {behind}
      </p>
      <Text size="sm">{errorWords(error, t, i18n.language).text}</Text>
    </Alert>
  );
}

import { Alert, Text } from '@mantine/core';
import { isSodateError } from '@sodate/contract/errors.ts';
import type { SearchedThing } from '@sodate/contract/search.ts';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { lazyPart } from '../kit/lazy-part.ts';
import { useSentences } from '../ui/use-sentences.ts';
import { wherePlace } from './where-place.ts';
import classes from './smart-search.module.css';

/** Fetched by those who read Japanese, when a search is first not understood. */
const ProblemInJapanese = lazyPart(
  () => import('./problem-in-japanese.tsx'),
  (part) => part.ProblemInJapanese,
);

/** The search with the place marked at which it stopped making sense, and what the server says of it. */
export function NotUnderstood({ thing, search, error }: { readonly thing: SearchedThing; readonly search: string; readonly error: unknown }) {
  const { t, i18n } = useTranslation();
  const sentences = useSentences();
  if (!isSodateError(error) || error.code !== 'search-not-understood') return null;
  const { before, place, behind } = wherePlace(search, Number(error.params['at']));
  const words = sentences.error(error).text;
  return (
    <Alert color="red" variant="light" py="xs" icon={<IconAlertTriangle aria-hidden />} role="alert" title={t('search.notUnderstood')}>
      <p className={classes['place']}>
        {before}
        <mark>{place === '' ? '␣' : place}</mark>
        {behind}
      </p>
      <Text size="sm" component="div">
        {i18n.language === 'ja' ? (
          <Suspense fallback={null}>
            <ProblemInJapanese thing={thing} params={error.params} otherwise={words} />
          </Suspense>
        ) : (
          words
        )}
      </Text>
    </Alert>
  );
}

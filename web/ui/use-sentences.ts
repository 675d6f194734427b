import type { Failure } from '@sodate/contract/failures.ts';
import type { RunWords } from '@sodate/contract/run-words.ts';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { z } from 'zod';
import { loadPart } from '../kit/load-part.ts';
import { errorWords, type ErrorWords } from './error-words.ts';

export interface Sentences {
  error(error: unknown): ErrorWords;
  /** What is said of a run; `text` is the server's own, and all there is of what was said before there were codes. */
  run(words: RunWords | null, text: string): string;
  /** What to try after a failure. */
  advice(failure: z.infer<typeof Failure>): string;
}

/**
 * The server's sentences in the reader's language. Those in English come with what the server sends. Those in Japanese are
 * fetched when they are first needed: until then there is nothing, and the server's English if they cannot be had.
 */
export function useSentences(): Sentences {
  const { t, i18n } = useTranslation();
  const wanted = i18n.language === 'ja';
  const { data, isError } = useQuery({
    queryKey: ['sentences', 'ja'],
    queryFn: () => loadPart(() => import('../kit/i18n/sentences-ja.ts')),
    enabled: wanted,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    // Whether there is a network says nothing of what the browser has already.
    networkMode: 'always',
  });
  const otherwise = (text: string): string => (wanted && !isError && data === undefined ? '' : text);
  const japanese = wanted ? data : undefined;
  return {
    error: (error) => errorWords(error, t, (one) => japanese?.errorInJapanese(one) ?? otherwise(one.message)),
    run: (words, text) => (words === null ? text : (japanese?.runWordsInJapanese(words) ?? otherwise(text))),
    advice: (failure) => japanese?.adviceInJapanese(failure.class) ?? otherwise(failure.advice),
  };
}

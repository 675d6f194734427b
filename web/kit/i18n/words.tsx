import type { TFunction } from 'i18next';
import { createContext, type ReactNode, useContext, useMemo } from 'react';
import { useTranslation } from 'react-i18next';

interface Words {
  readonly t: TFunction;
  readonly language: string;
}

const WordsContext = createContext<Words | null>(null);

export function WordsProvider({ children }: { readonly children: ReactNode }) {
  const { t, i18n } = useTranslation();
  const { language } = i18n;
  const words = useMemo(() => ({ t, language }), [t, language]);
  return <WordsContext value={words}>{children}</WordsContext>;
}

/** What `useTranslation` gives, for parts that a list has hundreds of: each use of that one listens and binds for itself. */
export function useWords(): Words {
  const words = useContext(WordsContext);
  if (words === null) throw new Error('There is no WordsProvider above.');
  return words;
}

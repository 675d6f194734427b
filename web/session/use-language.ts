import { updateMe } from '@sodate/contract/session.ts';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { isLanguage, type Language } from '../kit/i18n/language.ts';
import { usePlatform } from '../kit/platform.tsx';
import { remember } from '../kit/remembered.ts';
import { ME_KEY, useMaybeMe } from './session-queries.ts';

/** The language shown and how to change it. The choice is kept on this device and, when signed in, with the user. */
export function useLanguage(): { readonly language: Language; choose(language: Language): void } {
  const { i18n } = useTranslation();
  const { client, queries } = usePlatform();
  const me = useMaybeMe();
  const language = isLanguage(i18n.language) ? i18n.language : 'en';
  return {
    language,
    choose(wanted) {
      remember('language', wanted);
      void i18n.changeLanguage(wanted);
      if (me === undefined) return;
      // Not worth an error panel: it is remembered here, and the next choice tries again.
      client.call(updateMe, { body: { language: wanted } }).then(
        (updated) => queries.setQueryData(ME_KEY, updated),
        () => undefined,
      );
    },
  };
}

/** The user's own choice wins over what this device remembers, once we know who it is. */
export function useOwnLanguage(chosen: Language | null): void {
  const { i18n } = useTranslation();
  useEffect(() => {
    document.documentElement.lang = i18n.language;
    const onChange = (language: string): void => {
      document.documentElement.lang = language;
    };
    i18n.on('languageChanged', onChange);
    return () => i18n.off('languageChanged', onChange);
  }, [i18n]);
  useEffect(() => {
    if (chosen === null) return;
    remember('language', chosen);
    if (i18n.language !== chosen) void i18n.changeLanguage(chosen);
  }, [chosen, i18n]);
}

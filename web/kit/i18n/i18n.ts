import { createInstance, type i18n } from 'i18next';
import { initReactI18next } from 'react-i18next';
import en from './en.json';
import ja from './ja.json';
import type { Language } from './language.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}

/** Both languages travel with the page (about 5 kB each, compressed), so switching needs no request. */
export function createI18n(language: Language): i18n {
  const i18next = createInstance();
  void i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    resources: { en: { translation: en }, ja: { translation: ja } },
    initAsync: false,
    // React escapes.
    interpolation: { escapeValue: false },
  });
  return i18next;
}

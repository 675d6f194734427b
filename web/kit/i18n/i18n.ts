import { type BackendModule, createInstance, type i18n } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { loadPart } from '../load-part.ts';
import type en from './en.json';
import type { Language } from './language.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
  }
}

/** Somebody reads one language: the other is fetched (about 10 kB, compressed) when it is switched to. */
const BACKEND: BackendModule = {
  type: 'backend',
  init: () => undefined,
  read: (language, _namespace, done) => {
    const fetched: Promise<{ readonly default: typeof en }> = loadPart(() => (language === 'ja' ? import('./ja.json') : import('./en.json')));
    fetched.then(
      (texts) => done(null, texts.default),
      (error: unknown) => done(error instanceof Error ? error : String(error), null),
    );
  },
};

/** @returns once the texts are there. The two languages have the same keys, which a test sees to, so neither falls back on the other. */
export async function createI18n(language: Language): Promise<i18n> {
  const i18next = createInstance();
  await i18next
    .use(BACKEND)
    .use(initReactI18next)
    .init({
      lng: language,
      fallbackLng: false,
      // React escapes.
      interpolation: { escapeValue: false },
    });
  return i18next;
}

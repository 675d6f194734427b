import { type BackendModule, createInstance, type i18n } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { loadPart } from '../load-part.ts';
import type en from './en.json';
import type gitEn from './git.en.json';
import type itemsEn from './items.en.json';
import type { Language } from './language.ts';

/** What every page may say, and what is said in some places only, fetched with them: the first load stays small. */
interface Texts {
  readonly translation: typeof en;
  readonly git: typeof gitEn;
  readonly items: typeof itemsEn;
}

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: Texts;
  }
}

type Fetch = () => Promise<{ readonly default: Texts[keyof Texts] }>;

/** Somebody reads one language: the other is fetched (about 10 kB, compressed) when it is switched to. */
const TEXTS: Readonly<Record<keyof Texts, Readonly<Record<Language, Fetch>>>> = {
  translation: { en: () => import('./en.json'), ja: () => import('./ja.json') },
  git: { en: () => import('./git.en.json'), ja: () => import('./git.ja.json') },
  items: { en: () => import('./items.en.json'), ja: () => import('./items.ja.json') },
};

const BACKEND: BackendModule = {
  type: 'backend',
  init: () => undefined,
  read: (language, namespace, done) => {
    const texts = Object.hasOwn(TEXTS, namespace) ? TEXTS[namespace as keyof Texts] : TEXTS.translation;
    loadPart(texts[language === 'ja' ? 'ja' : 'en']).then(
      (fetched) => done(null, fetched.default),
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

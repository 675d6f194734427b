export const LANGUAGES = ['en', 'ja'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each language's own name, so that one finds it without reading the other. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', ja: '日本語' };

export const isLanguage = (value: unknown): value is Language => LANGUAGES.some((language) => language === value);

/** What was chosen on this device, else the first wish of the browser that is known, else English. */
export function firstLanguage(remembered: string | null, wishes: readonly string[]): Language {
  if (isLanguage(remembered)) return remembered;
  return wishes.map((wish) => wish.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en';
}

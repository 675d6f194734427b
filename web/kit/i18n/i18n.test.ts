import { describe, expect, it } from 'vitest';
import en from './en.json';
import { ERROR_CATALOGUE, type ErrorCode } from '@sodate/contract/errors.ts';
import { ERRORS_JA } from './errors-ja.ts';
import gitEn from './git.en.json';
import gitJa from './git.ja.json';
import itemsEn from './items.en.json';
import itemsJa from './items.ja.json';
import ja from './ja.json';
import { firstLanguage } from './language.ts';

type Texts = { readonly [key: string]: string | Texts };

const flat = (texts: Texts, before = ''): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(texts).flatMap(([key, value]) => (typeof value === 'string' ? [[before + key, value] as const] : [...flat(value, `${before}${key}.`)])),
  );

const places = (text: string, pattern: RegExp): readonly string[] => [...text.matchAll(pattern)].map((match) => match[0]).sort();

describe('the two languages', () => {
  const english = flat({ ...en, inGit: gitEn, inItems: itemsEn });
  const japanese = flat({ ...ja, inGit: gitJa, inItems: itemsJa });

  it('have the same keys', () => {
    expect([...japanese.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it.each([...english])('%s takes the same values and is not blank', (key, text) => {
    expect(places(japanese.get(key) ?? '', /\{\{\w+\}\}/g)).toEqual(places(text, /\{\{\w+\}\}/g));
    expect(japanese.get(key)?.trim()).not.toBe('');
  });

  it.each(Object.entries(ERRORS_JA))('%s says what the catalogue says, with no value it does not have', (code, text) => {
    const known = places(ERROR_CATALOGUE[code as ErrorCode].text, /\{\w+\}/g);
    expect(known).toEqual(expect.arrayContaining([...places(text, /\{\w+\}/g)]));
  });
});

describe('the first language', () => {
  it.each([
    ['ja', ['en-US'], 'ja'],
    [null, ['ja-JP', 'en'], 'ja'],
    [null, ['fr-FR', 'ja'], 'ja'],
    ['xx', ['de'], 'en'],
    [null, [], 'en'],
  ] as const)('remembered %s, wishes %j → %s', (remembered, wishes, expected) => {
    expect(firstLanguage(remembered, wishes)).toBe(expected);
  });
});

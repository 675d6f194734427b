/* Values in Japanese sentences: Japanese words join them without spaces, anything else stands as the sentence has it. */

const JAPANESE = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\u3000-\u303f\uff01-\uff60]/u;
const JAPANESE_LETTER = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}ー]/u;
const LATIN = /[\p{sc=Latin}\p{Nd}#]/u;

export interface JapaneseValue {
  readonly text: string;
  /** A word of the language, and no name that somebody gave: it joins the sentence. */
  readonly joins: boolean;
}

/** Puts values into the places of a text. A place without a value stays as it is. */
export function fillJapanese(text: string, valueOf: (name: string) => JapaneseValue | null): string {
  let filled = '';
  let end = 0;
  let joins = false;
  const add = (piece: string, own: boolean): void => {
    filled = joins || own ? joined(filled, piece) : filled + piece;
    joins = own;
  };
  for (const match of text.matchAll(/\{(\w+)\}/g)) {
    add(text.slice(end, match.index), false);
    const value = valueOf(match[1] ?? '');
    add(value?.text ?? match[0], value?.joins ?? false);
    end = match.index + match[0].length;
  }
  add(text.slice(end), false);
  return filled;
}

/** No space between two Japanese characters, one between a Japanese letter and a Latin one. */
function joined(before: string, behind: string): string {
  const [left, right] = [before.trimEnd(), behind.trimStart()];
  const [last, first] = [[...left].at(-1) ?? '', [...right][0] ?? ''];
  if (JAPANESE.test(last) && JAPANESE.test(first)) return left + right;
  const meet = (JAPANESE_LETTER.test(last) && LATIN.test(first)) || (LATIN.test(last) && JAPANESE_LETTER.test(first));
  return meet ? `${left} ${right}` : before + behind;
}

/* Values in Japanese sentences: Japanese words join them without spaces, anything else stands as the sentence has it. */

const JAPANESE = String.raw`[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\u3000-\u303f\uff01-\uff60]`;
const LETTER = String.raw`[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}ー]`;
const LATIN = String.raw`[\p{sc=Latin}\p{Nd}#]`;

const [endsJapanese, beginsJapanese] = [new RegExp(`${JAPANESE}$`, 'u'), new RegExp(`^${JAPANESE}`, 'u')];
const [endsInLetter, beginsWithLetter] = [new RegExp(`${LETTER}$`, 'u'), new RegExp(`^${LETTER}`, 'u')];
const [endsLatin, beginsLatin] = [new RegExp(`${LATIN}$`, 'u'), new RegExp(`^${LATIN}`, 'u')];

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
  if (endsJapanese.test(left) && beginsJapanese.test(right)) return left + right;
  const meet = (endsInLetter.test(left) && beginsLatin.test(right)) || (endsLatin.test(left) && beginsWithLetter.test(right));
  return meet ? `${left} ${right}` : before + behind;
}

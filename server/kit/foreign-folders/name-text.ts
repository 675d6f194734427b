/**
 * Names of files are bytes, and a job may choose any but `/` and NUL. As text every name is shown and asked for in one
 * form that can be turned back: UTF-8 as it is, and each byte that is not UTF-8 as one character from U+EF80 to U+EFFF of
 * the private use area. A name that holds those characters itself has its bytes written that way too, so no two names
 * have the same text.
 *
 * Inside, names and paths go as `latin1` strings, one character a byte: they sort as the bytes do and take half the memory.
 */
const ESCAPES_AT = 0xef00;
const ESCAPED = /[\uef80-\uefff]/;

/** The text of a name or path given as bytes. */
export function bytesToText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') && !ESCAPED.test(text)) return text;
  // What is not UTF-8 and what would be mistaken for it is found character by character.
  const parts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at);
    const character = length === 0 ? '' : bytes.toString('utf8', at, at + length);
    if (length === 0 || ESCAPED.test(character)) {
      const count = Math.max(1, length);
      for (const byte of bytes.subarray(at, at + count)) parts.push(String.fromCharCode(ESCAPES_AT + byte));
      at += count;
    } else {
      parts.push(character);
      at += length;
    }
  }
  return parts.join('');
}

/** The bytes that a text stands for. */
export function textToBytes(text: string): Buffer {
  if (!ESCAPED.test(text)) return Buffer.from(text);
  return Buffer.concat(
    Array.from(text, (character) => (ESCAPED.test(character) ? Buffer.from([character.charCodeAt(0) - ESCAPES_AT]) : Buffer.from(character))),
  );
}

export const rawToText = (raw: string): string => bytesToText(Buffer.from(raw, 'latin1'));
export const textToRaw = (text: string): string => textToBytes(text).toString('latin1');

/** Bytes of the well-formed UTF-8 character at this place; 0 when there is none. */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  // Too long forms, halves of surrogate pairs and the like are decoded as several replacements: never back to the same bytes.
  const slice = bytes.subarray(at, at + length);
  return Buffer.from(slice.toString('utf8')).equals(slice) ? length : 0;
}

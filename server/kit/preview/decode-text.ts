export interface DecodedText {
  readonly text: string;
  readonly encoding: string;
}

/**
 * Reads bytes as text if they can be that: by their mark, as UTF-8, as UTF-16 by where its NULs stand, as one of the two
 * old encodings of Japan, or as Western European.
 * @param cut the bytes end somewhere in the middle, perhaps of a character
 * @returns null for what is no text
 */
export function decodeText(bytes: Buffer, cut: boolean): DecodedText | null {
  if (bytes.length >= 3 && bytes.readUIntBE(0, 3) === 0xefbbbf) return decoded(bytes, 'utf-8', false);
  const mark = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0;
  if (mark === 0xfffe) return decoded(bytes, 'utf-16le', false);
  if (mark === 0xfeff) return decoded(bytes, 'utf-16be', false);
  const wide = guessUtf16(bytes);
  if (wide !== null) return decoded(bytes, wide, false);
  if (bytes.includes(0)) return null;
  const whole = cut ? withoutHalfCharacter(bytes) : bytes;
  const utf8 = decoded(whole, 'utf-8', true);
  if (utf8 !== null) return looksWritten(utf8.text) ? utf8 : null;
  return guessJapanese(bytes, cut) ?? guessWestern(bytes);
}

function decoded(bytes: Buffer, encoding: string, fatal: boolean): DecodedText | null {
  try {
    return { text: new TextDecoder(encoding, { fatal }).decode(bytes), encoding };
  } catch {
    return null;
  }
}

/** A character cut off at the end is no reason to read all of it in another way. */
function withoutHalfCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** In UTF-16 without its mark, half of the bytes of plain text are NUL, all on one side. */
function guessUtf16(bytes: Buffer): 'utf-16le' | 'utf-16be' | null {
  const head = bytes.subarray(0, 4096);
  if (head.length < 4) return null;
  const nuls = [0, 0];
  for (let at = 0; at < head.length; at += 1) if (head[at] === 0) nuls[at % 2] = (nuls[at % 2] ?? 0) + 1;
  const [first = 0, second = 0] = nuls;
  const many = head.length / 2 / 2;
  const wide = first === 0 && second > many ? 'utf-16le' : second === 0 && first > many ? 'utf-16be' : null;
  return wide !== null && looksWritten(new TextDecoder(wide).decode(head)) ? wide : null;
}

/** Both encodings accept much of the other's bytes; the one in which more of it is kana and common characters is meant. */
function guessJapanese(bytes: Buffer, cut: boolean): DecodedText | null {
  const tries = ['euc-jp', 'shift_jis'].flatMap((encoding) => {
    const read = decoded(bytes, encoding, true) ?? (cut ? decoded(bytes.subarray(0, -1), encoding, true) : null);
    return read === null || !looksWritten(read.text) ? [] : [read];
  });
  return tries.toSorted((one, other) => shareJapanese(other.text) - shareJapanese(one.text)).find(({ text }) => shareJapanese(text) > 0.5) ?? null;
}

/** Of what is not ASCII, how much is Japanese as it is written; half-width kana are rare and mostly a wrong guess. */
function shareJapanese(text: string): number {
  const foreign = text.match(/[^\u0000-\u007f]/g) ?? [];
  const japanese = foreign.filter((character) => /[\u3000-\u30ff\u4e00-\u9fff\uff01-\uff5e]/.test(character));
  return foreign.length === 0 ? 0 : japanese.length / foreign.length;
}

/** Any bytes are Western European: so only when few of them are not ASCII. */
function guessWestern(bytes: Buffer): DecodedText | null {
  let high = 0;
  for (const byte of bytes) if (byte >= 0x80) high += 1;
  const read = high * 4 < bytes.length ? decoded(bytes, 'windows-1252', false) : null;
  return read !== null && looksWritten(read.text) ? read : null;
}

/** Text has next to no control characters besides breaks, tabs and the escapes that colour a terminal. */
function looksWritten(text: string): boolean {
  const controls = text.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u007f-\u0084\u0086-\u009f]/g)?.length ?? 0;
  return controls * 20 <= text.length + 20;
}

/** Control characters and marks of direction become U+FFFD, so that what is shown is what is there; breaks become LF. */
export function cleanText(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n').replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

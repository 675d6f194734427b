/* What a job wrote is text of any kind: escape sequences, carriage returns, control characters. It is shown, never obeyed. */

// oxlint-disable no-control-regex -- control characters are what this file is about
const NEEDS_WORK = /[\u0000-\u001f\u007f-\u009f]/;
/** CSI (colours, cursor), OSC (titles, links; ended by BEL or ST), other strings, two-character escapes. */
const ESCAPES =
  /(?:\u001b\[|\u009b)[\u0030-\u003f]*[\u0020-\u002f]*[\u0040-\u007e]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)|\u001b[PX^_][^\u001b\u009c]*(?:\u001b\\|\u009c|$)|\u001b[\u0020-\u002f]*[\u0030-\u007e]?/g;
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;
const TAB_WIDTH = 8;

export const stripEscapes = (text: string): string => text.replaceAll(ESCAPES, '');

/** One line as a terminal would leave it: without escapes, after its carriage returns, tabs as spaces. */
export function readableLine(raw: string): string {
  if (!NEEDS_WORK.test(raw)) return raw;
  return expandTabs(afterCarriageReturns(stripEscapes(raw)).replaceAll(CONTROLS, '�'));
}

/** A progress bar rewrites its line with `\r`; what it wrote last is what counts. */
function afterCarriageReturns(line: string): string {
  if (!line.includes('\r')) return line;
  return line.split('\r').findLast((part) => part !== '') ?? '';
}

function expandTabs(line: string): string {
  if (!line.includes('\t')) return line;
  let text = '';
  let column = 0;
  for (const character of line) {
    if (character === '\t') {
      const spaces = TAB_WIDTH - (column % TAB_WIDTH);
      text += ' '.repeat(spaces);
      column += spaces;
    } else {
      text += character;
      column += characterWidth(character);
    }
  }
  return text;
}

const ONLY_NARROW = /^[\u0020-\u007e]*$/;
const WIDE =
  /[\p{Extended_Pictographic}\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

/** Columns in a fixed-width font. East Asian characters take two; in most fonts a little less, so nothing is cut off. */
const characterWidth = (character: string): number => (WIDE.test(character) ? 2 : 1);

export function textWidth(text: string): number {
  if (ONLY_NARROW.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** Where the parts of a line begin when it is broken at `columns`; always at least one part. */
export function partStarts(text: string, columns: number): readonly number[] {
  const starts = [0];
  if (ONLY_NARROW.test(text)) {
    for (let start = columns; start < text.length; start += columns) starts.push(start);
    return starts;
  }
  let column = 0;
  let index = 0;
  for (const character of text) {
    const width = characterWidth(character);
    if (column > 0 && column + width > columns) {
      starts.push(index);
      column = 0;
    }
    column += width;
    index += character.length;
  }
  return starts;
}

export const partCount = (text: string, columns: number): number =>
  ONLY_NARROW.test(text) ? Math.max(1, Math.ceil(text.length / columns)) : partStarts(text, columns).length;

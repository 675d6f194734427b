/** Pictures that a browser draws and that carry no script; SVG is shown as text. */
const IMAGE_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  bmp: 'image/bmp',
  avif: 'image/avif',
};

const extensionOf = (name: string): string => /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';

export const imageTypeOf = (name: string): string | null => IMAGE_TYPES[extensionOf(name)] ?? null;

export type Preview =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'none' };

/** So much of a table is shown. */
const ROWS_SHOWN = 200;
const COLUMNS_SHOWN = 50;

/** What can be shown of a file's first bytes; `whole` says that they are all of it. */
export function previewOf(name: string, bytes: Uint8Array, whole: boolean): Preview {
  const text = decode(bytes, whole);
  if (text === null) return { kind: 'none' };
  const extension = extensionOf(name);
  if (extension === 'csv' || extension === 'tsv') {
    const rows = readTable(text, extension === 'csv' ? ',' : '\t', whole);
    if (rows.length > 0) return { kind: 'table', rows };
  }
  if (extension === 'json' && whole) {
    try {
      return { kind: 'text', text: JSON.stringify(JSON.parse(text), null, 2) };
    } catch {
      // Shown as it is.
    }
  }
  return { kind: 'text', text };
}

/** null for what is not text: bytes that are not UTF-8, or NUL. A character cut off at the end does not count. */
function decode(bytes: Uint8Array, whole: boolean): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole });
  } catch {
    return null;
  }
}

/** RFC 4180: quotes around what holds separators, line breaks or doubled quotes. The last row may be cut off and is then left out. */
export function readTable(text: string, separator: string, whole: boolean): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  const endCell = (): void => {
    if (row.length < COLUMNS_SHOWN) row.push(cell);
    cell = '';
  };
  for (let at = 0; at < text.length && rows.length < ROWS_SHOWN; at += 1) {
    const character = text.charAt(at);
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text.charAt(at + 1) === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && cell === '') quoted = true;
    else if (character === separator) endCell();
    else if (character === '\n') {
      endCell();
      rows.push(row);
      row = [];
    } else if (character !== '\r') cell += character;
  }
  if (whole && rows.length < ROWS_SHOWN && (cell !== '' || row.length > 0)) {
    endCell();
    rows.push(row);
  }
  return rows;
}

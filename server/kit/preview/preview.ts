import { cleanText, decodeText, type DecodedText } from '#kit/preview/decode-text.ts';
import { indentJson } from '#kit/preview/indent-json.ts';
import { readTable } from '#kit/preview/read-table.ts';
import { sniffImage } from '#kit/preview/sniff-image.ts';
import type { Preview } from '@sodate/contract/preview.ts';

/** Read of a file, however large it is; an image up to this size is sent whole. */
const READ_BYTES = 256 * 1024;
/** Shown of a text, a part of which may be much longer once it is indented. */
const TEXT_CHARACTERS_LIMIT = 64 * 1024;
const JSON_CHARACTERS_LIMIT = 128 * 1024;
const HEX_BYTES = 512;

export interface PreviewSource {
  readonly name: string;
  readonly size: number;
  /** The first bytes; fewer when the file has become shorter. */
  read(bytes: number): Promise<Buffer>;
}

/** Looks at the beginning of a file, whose bytes anybody may have written, and says what can be shown of it. */
export async function makePreview(source: PreviewSource): Promise<Preview> {
  const { size } = source;
  const bytes = await source.read(Math.min(size, READ_BYTES));
  const cut = bytes.length < size;
  const image = sniffImage(bytes);
  if (image !== null) return { kind: 'image', size, cut, ...image, mediaType: `image/${image.format}`, bytes: cut ? null : bytes.toString('base64') };
  const decoded = decodeText(bytes, cut);
  if (decoded === null) return { kind: 'binary', size, cut: size > HEX_BYTES, hex: hexLines(bytes.subarray(0, HEX_BYTES)) };
  return ofText(source, { ...decoded, text: cleanText(decoded.text) }, cut);
}

function ofText({ name, size }: PreviewSource, { text, encoding }: DecodedText, cut: boolean): Preview {
  if (/\.(?:csv|tsv)$/i.test(name)) return { kind: 'table', size, encoding, ...mutable(readTable(text, name, cut)) };
  const named = /\.(?:json|geojson|ipynb|webmanifest)$/i.test(name);
  const problem = named || /^\s*[[{]/.test(text) ? jsonProblem(text) : 'not asked';
  if (named || problem === null) {
    const indented = indentJson(text, JSON_CHARACTERS_LIMIT);
    return { kind: 'json', size, encoding, cut: cut || indented.cut, text: indented.text, problem: cut ? null : problem };
  }
  const shown = headOf(text, TEXT_CHARACTERS_LIMIT);
  return { kind: 'text', size, encoding, cut: cut || shown.length < text.length, text: shown };
}

const mutable = ({ rows, ...table }: ReturnType<typeof readTable>) => ({ ...table, rows: rows.map((row) => [...row]) });

/** Not ending in half a character. */
const headOf = (text: string, length: number): string => text.slice(0, length).replace(/[\ud800-\udbff]$/, '');

function jsonProblem(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return cleanText(error instanceof Error ? error.message : 'not JSON');
  }
}

function hexLines(bytes: Buffer): string[] {
  return Array.from({ length: Math.ceil(bytes.length / 16) }, (_, line) => {
    const part = bytes.subarray(line * 16, line * 16 + 16);
    const hex = [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const characters = part.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');
    return `${(line * 16).toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${characters}`;
  });
}

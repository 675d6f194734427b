import { bytesToText, textToBytes } from '#kit/foreign-folders/name-text.ts';

/** What an address asks for inside a tree. Names are text as `name-text.ts` has it. */
export interface AskedPath {
  /** Joined by `/`; empty for the tree itself. */
  readonly path: string;
  /** It ends with a slash, and so can only be a folder. */
  readonly asFolder: boolean;
}

/**
 * Reads the path of an address, decoded once and never resolved: a segment that would lead elsewhere is none that is here.
 * @returns null for what can be no path inside a tree
 */
export function readPath(address: string): AskedPath | null {
  const [raw = ''] = address.split(/[?#]/, 1);
  if (!raw.startsWith('/')) return null;
  const segments = raw.slice(1).split('/').map(decodeSegment);
  const asFolder = segments.at(-1) === '';
  const named = asFolder ? segments.slice(0, -1) : segments;
  return named.every((segment) => segment !== null && isName(segment)) ? { path: named.join('/'), asFolder } : null;
}

/** The path of an address, from the text of a path inside a tree. */
export const writePath = (path: string): string => `/${path.split('/').map(encodeSegment).join('/')}`;

export const encodeSegment = (name: string): string =>
  Array.from(textToBytes(name), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');

/** By bytes, since names need not be UTF-8. */
function decodeSegment(segment: string): string | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(segment)) return null;
  const raw = segment.replaceAll(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return bytesToText(Buffer.from(raw, 'latin1'));
}

const isName = (segment: string): boolean => segment !== '' && segment !== '.' && segment !== '..' && !/[/\0]/.test(segment);

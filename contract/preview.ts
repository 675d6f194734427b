import { z } from 'zod';

/**
 * What can be shown of a file without fetching it. Everything is data: text is cleaned of control characters and
 * marks that turn its direction, and what a browser would run (HTML, SVG) is text like any other.
 */
const common = {
  /** Bytes of the file. */
  size: z.number().int(),
  /** Only the beginning is shown. */
  cut: z.boolean(),
};

export const ImagePreview = z.object({
  kind: z.literal('image'),
  ...common,
  format: z.enum(['png', 'jpeg', 'gif', 'webp', 'bmp']),
  mediaType: z.string(),
  /** Pixels; null when the head of the file does not say. */
  width: z.number().int().nullable(),
  height: z.number().int().nullable(),
  /** Base64 of the whole file; null when it is too large for a preview, and to be fetched. */
  bytes: z.string().nullable(),
});

const Encoding = z.string().describe('As the bytes were read: utf-8, utf-16le, utf-16be, shift_jis, euc-jp, windows-1252');

export const TablePreview = z.object({
  kind: z.literal('table'),
  ...common,
  encoding: Encoding,
  delimiter: z.string(),
  /** The first rows, the first of which may be a head. Long cells are cut, as are rows of very many cells. */
  rows: z.array(z.array(z.string())),
});

export const JsonPreview = z.object({
  kind: z.literal('json'),
  ...common,
  encoding: Encoding,
  /** Indented anew; numbers and the order of keys are as written. */
  text: z.string(),
  /** Why it is not JSON; null when it is, or when only its beginning was read. */
  problem: z.string().nullable(),
});

export const TextPreview = z.object({ kind: z.literal('text'), ...common, encoding: Encoding, text: z.string() });

export const BinaryPreview = z.object({
  kind: z.literal('binary'),
  ...common,
  /** Sixteen bytes a line: offset, bytes in hexadecimal, characters. */
  hex: z.array(z.string()),
});

export const Preview = z.discriminatedUnion('kind', [ImagePreview, TablePreview, JsonPreview, TextPreview, BinaryPreview]);
export type Preview = z.infer<typeof Preview>;

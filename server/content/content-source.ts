import type { ByteRange } from '#kit/http/byte-range.ts';
import type { Readable } from 'node:stream';

/** A tree of files as somebody may look at it. Paths and names are text as `name-text.ts` has it. */
export interface ContentSource {
  /** @returns null when there is no file of this path */
  file(path: string): Promise<ContentFile | null>;
  /** One level, from after an entry of it. @returns null when there is no such folder */
  folder(path: string, after: string | null): Promise<ContentFolder | null>;
}

/** A file that was found; whoever gets it closes it. */
export interface ContentFile {
  readonly size: number;
  /** The bytes, both ends of the range included; all of them without one. */
  open(range: ByteRange | undefined): Promise<Readable>;
  /** Idempotent; ends nothing that `open` gave. */
  close(): Promise<void>;
}

export interface ContentFolder {
  readonly entries: readonly { readonly name: string; readonly kind: 'file' | 'folder' | 'other'; readonly size: number | null }[];
  /** Where the next page continues; null at the end. */
  readonly after: string | null;
}

/** Entries of a folder on one page. */
export const ENTRIES_PER_PAGE = 1_000;

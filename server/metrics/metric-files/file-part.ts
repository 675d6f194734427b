import type { NewPoint } from '#metrics/append-points.ts';
import type { NewItem } from '#metrics/append-items.ts';
import type { Parameter } from '#metrics/parameter-store.ts';

/** What a stretch of a file came to. */
export interface FilePart {
  readonly points: readonly NewPoint[];
  readonly items: readonly NewItem[];
  readonly parameters: readonly Parameter[];
  readonly malformed: number;
  readonly damaged: number;
  /** Where it goes on. */
  readonly offset: number;
  /** Why nothing after it can be read; null when something can, once it is there. */
  readonly givenUp: string | null;
  /** There is more to read now. */
  readonly more: boolean;
}

/** Parsed at a time: some ten milliseconds in which nothing else happens. */
export const SLICE_BYTES = 256 * 1024;
/** Read of one file before it is stored and others have their turn. */
export const PART_BYTES = 4 * 1024 * 1024;
export const PART_POINTS = 100_000;

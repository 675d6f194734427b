import type { z } from 'zod';
import type { Total } from '@sodate/contract/paging.ts';
import { type Input, wholeNumber } from './command.ts';
import { usageError } from './cli-error.ts';

export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly total: z.infer<typeof Total>;
  readonly nextCursor: string | null;
}

/** Items of one page; the API's limit. */
const PAGE = 200;

export const limitOption: Input<number | undefined> = wholeNumber('--limit <count>', 'at most this many (default: 50)');

/** Turns pages until `limit` items are there or the list has ended. */
export async function listAll<Item>(
  limit: number | undefined,
  page: (query: { limit: number; cursor?: string }) => Promise<Listed<Item>>,
): Promise<Listed<Item>> {
  const wanted = limit ?? 50;
  if (wanted < 1) throw usageError('--limit: at least 1.');
  const items: Item[] = [];
  for (let cursor: string | null = null; ;) {
    const next = await page({ limit: Math.min(PAGE, wanted - items.length), ...(cursor === null ? {} : { cursor }) });
    items.push(...next.items);
    if (next.nextCursor === null || items.length >= wanted) return { ...next, items };
    cursor = next.nextCursor;
  }
}

/** Below a table that does not show everything. */
export function moreLine(listed: Listed<unknown>): string {
  if (listed.nextCursor === null) return '';
  return `\n(${listed.items.length} of ${listed.total.count}${listed.total.exact ? '' : ' or more'}; --limit shows more)`;
}

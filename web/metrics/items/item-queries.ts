import type { Client } from '@sodate/client/make-client.ts';
import { getItemContent, listItems, listSeries } from '@sodate/contract/metrics.ts';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';

/* What event files hold besides numbers. Keys begin as those of metrics do, so that a run that has written is looked at again. */

export const ITEM_KINDS = ['histogram', 'image', 'text'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

export type Item = z.output<(typeof listItems)['response']>['items'][number];

const NAMES_PER_PAGE = 200;
/** Names of one run that are looked at; nobody scrolls through more. */
const NAMES_LIMIT = 1_000;

export interface ItemNames {
  readonly names: Readonly<Record<ItemKind, readonly string[]>>;
  /** There are more than are listed. */
  readonly truncated: boolean;
}

/** What a run has of each kind. */
export const itemNamesQuery = (client: Client, tenant: string, run: string) =>
  queryOptions({
    queryKey: [tenant, 'metrics', run, 'item-names'],
    queryFn: async ({ signal }): Promise<ItemNames> => {
      const names: Record<ItemKind, string[]> = { histogram: [], image: [], text: [] };
      let cursor: string | undefined;
      for (let looked = 0; looked < NAMES_LIMIT; looked += NAMES_PER_PAGE) {
        const page = await client.call(listSeries, { params: { tenant, run }, query: { kind: [...ITEM_KINDS], limit: NAMES_PER_PAGE, cursor }, signal });
        for (const { kind, name } of page.items) if (kind !== 'scalar') names[kind].push(name);
        if (page.nextCursor === null) return { names, truncated: false };
        cursor = page.nextCursor;
      }
      return { names, truncated: true };
    },
  });

export const itemsQuery = (client: Client, tenant: string, run: string, kind: ItemKind, name: string) =>
  queryOptions({
    queryKey: [tenant, 'metrics', run, 'items', kind, name],
    queryFn: async ({ signal }) => (await client.call(listItems, { params: { tenant, run }, query: { kind, name }, signal })).items,
  });

/** An image or a text. What was written at a step stays what it is. */
export const itemContentQuery = (
  client: Client,
  tenant: string,
  run: string,
  kind: 'image' | 'text',
  name: string,
  { item, step }: Pick<Item, 'item' | 'step'>,
) =>
  queryOptions({
    queryKey: [tenant, 'metric-content', run, kind, name, item, step],
    queryFn: async ({ signal }) => (await client.bytes(getItemContent, { params: { tenant, run }, query: { kind, name, item }, signal })).arrayBuffer(),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    placeholderData: keepPreviousData,
  });

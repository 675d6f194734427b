import { readAsked } from '../search/read-asked.ts';
import type { DataFilter } from './data-queries.ts';

/* What the addresses of these pages may say behind the question mark; anything else is left out, not an error. */

const textOf = (value: unknown): string | undefined => {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim().slice(0, 200) : '';
  return text === '' ? undefined : text;
};

export interface DataListSearch extends DataFilter {
  /** The page opens with the upload in front. */
  readonly upload?: true | undefined;
}

export function readDataListSearch(search: Record<string, unknown>): DataListSearch {
  const tags = [search['tag']].flat().flatMap((tag) => textOf(tag) ?? []);
  return {
    ...readAsked(search),
    tag: tags.length === 0 ? undefined : tags,
    createdBy: textOf(search['createdBy']),
    upload: search['upload'] === true ? true : undefined,
  };
}

export const THING_TABS = ['content', 'lineage'] as const;
export type ThingTab = (typeof THING_TABS)[number];

export const readThingSearch = (search: Record<string, unknown>): { readonly tab?: ThingTab | undefined } => ({
  tab: THING_TABS.find((tab) => tab === search['tab']),
});

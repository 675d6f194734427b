import type { Database } from '#kit/db/open-database.ts';
import { containing } from '#kit/db/page.ts';
import { parseSearch } from '#search/parse-search.ts';
import { printSearch } from '#search/print-search.ts';
import { type Searchable, searchConditions } from '#search/search-conditions.ts';
import type { Asking, Condition } from '#search/search-fields.ts';
import { findPage, type FoundPage, type ListedTable } from '#search/search-page.ts';
import { readSort, type SortColumn } from '#search/sort-order.ts';
import { sql } from 'kysely';

/**
 * Lists that are searched, for the features whose lists they are. A feature says what its things can be searched by
 * (fields) and sorted by (columns); reading the search, asking the database in a way that costs the same at a million
 * rows, and pages by key are here. A search becomes SQL by way of typed fields alone, with its values as parameters.
 */
export interface SearchedList extends Searchable {
  readonly table: ListedTable;
  readonly sorts: Readonly<Record<string, SortColumn>>;
  /** Columns of families: `metric.loss`. They are not in `sorts`, since there is one for each name. */
  readonly sortFamilies?: Readonly<Record<string, (member: string) => SortColumn>>;
}

export interface ListAsk {
  readonly search?: string | undefined;
  readonly sort?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/**
 * @param also what the list's own parameters ask for, beside the search
 * @throws SodateError `search-not-understood`, `search-too-slow`, `invalid-cursor`, `invalid-request` for an unknown column
 */
export async function findInList(db: Database, list: SearchedList, asking: Asking, ask: ListAsk, also: readonly Condition[]): Promise<FoundPage> {
  const conditions = [...also, ...searchConditions(list, ask.search ?? '', asking)];
  return findPage(db, asking, { table: list.table, conditions, sort: sortOf(list, ask.sort), limit: ask.limit, cursor: ask.cursor });
}

/**
 * Whether a list could be asked this; for searches that are saved.
 * @returns the search in the form in which it is kept, the same for all ways of writing it
 * @throws SodateError `search-not-understood`, `invalid-request` for an unknown column
 */
export function checkSearch(list: SearchedList, asking: Asking, ask: { readonly search: string; readonly sort: string | undefined }): string {
  searchConditions(list, ask.search, asking);
  sortOf(list, ask.sort);
  return printSearch(parseSearch(ask.search));
}

function sortOf(list: SearchedList, sort: string | undefined) {
  const families = list.sortFamilies ?? {};
  return readSort(sort, [...Object.keys(list.sorts), ...Object.keys(families).map((name) => `${name}.NAME`)], (name) => {
    const [family = '', ...member] = name.split('.');
    if (member.length === 0) return Object.hasOwn(list.sorts, name) ? (list.sorts[name] ?? null) : null;
    return Object.hasOwn(families, family) ? (families[family]?.(member.join('.')) ?? null) : null;
  });
}

/** What a list's own parameter `text` asks for: of any length, unlike in a search. */
export const textCondition = ({ text }: Searchable, part: string): Condition => sql`${text} ilike ${containing(part)}`;

/** Things that were read by id, in the order of the page. One that was deleted meanwhile is left out. */
export function inOrderOf<Thing extends { readonly id: string }>(ids: readonly string[], things: readonly Thing[]): Thing[] {
  const byId = new Map(things.map((thing) => [thing.id, thing]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

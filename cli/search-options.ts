import { listSavedSearches, type SavedSearch, type SearchedThing } from '@sodate/contract/search.ts';
import { usageError } from './cli-error.ts';
import type { Cli } from './cli.ts';
import { text } from './command.ts';
import { type Cell, table } from './output/table.ts';

/** What every list that can be searched takes. */
export const searchOptions = {
  search: text('--search <search>', "conditions that must all hold, such as 'tag:new created>=2026-01 -name:test'; docs/search.md tells all"),
  saved: text('--saved <name>', 'as saved under this name by `sodate search save`'),
  sort: text('--sort <column>', 'in the order of a column; --sort=-name is from the largest down'),
  columns: text('--columns <names>', 'show these columns, separated by commas'),
};

export interface SearchInput {
  readonly search: string | undefined;
  readonly saved: string | undefined;
  readonly sort: string | undefined;
  readonly columns: string | undefined;
}

export interface Asked {
  readonly search?: string;
  readonly sort?: string;
  readonly columns: ChosenColumns;
}

export interface ChosenColumns {
  /** Empty = those that the list always has. */
  readonly names: readonly string[];
  /** Written on the command line, so that an unknown one is a mistake. A search saved elsewhere may name columns that only the web UI has. */
  readonly given: boolean;
}

/** What is asked for: a saved search, and beside it what was given; an order or columns that were given come before saved ones. */
export async function askFor(cli: Cli, tenant: string, thing: SearchedThing, input: SearchInput): Promise<Asked> {
  const saved = input.saved === undefined ? null : await findSaved(cli, tenant, thing, input.saved);
  const search = [saved?.query ?? '', input.search ?? ''].filter((part) => part !== '').join(' ');
  const sort = input.sort ?? saved?.sort ?? undefined;
  const given = readColumns(input.columns);
  const columns = { names: given ?? saved?.columns ?? [], given: given !== undefined };
  return { ...(search === '' ? {} : { search }), ...(sort === undefined ? {} : { sort }), columns };
}

export const readColumns = (given: string | undefined): readonly string[] | undefined =>
  given
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** One's own comes before a shared one of the same name. */
export async function findSaved(cli: Cli, tenant: string, thing: SearchedThing, name: string): Promise<SavedSearch> {
  const { items } = await cli.client().call(listSavedSearches, { params: { tenant }, query: { thing, name }, signal: cli.signal });
  const found = items.find(({ shared }) => !shared) ?? items[0];
  if (found === undefined) throw usageError(`There is no saved search ${name} for ${thing} here. \`sodate search list\` shows those there are.`);
  return found;
}

/** A column of a list: its title, and what it shows of a thing. */
export type Column<Thing> = readonly [title: string, show: (thing: Thing) => Cell];

export function tableOf<Thing>(things: readonly Thing[], columns: readonly Column<Thing>[], { names, given }: ChosenColumns): string {
  const find = (name: string): Column<Thing> | undefined => columns.find(([title]) => title === name.toLowerCase());
  const chosen = names.map((name) => find(name) ?? (given ? unknown(name, columns) : null)).filter((column) => column !== null);
  const shown = chosen.length === 0 ? columns : chosen;
  return table(
    shown.map(([title]) => title),
    things.map((thing) => shown.map(([, show]) => show(thing))),
  );
}

function unknown<Thing>(name: string, columns: readonly Column<Thing>[]): never {
  throw usageError(`There is no column ${name} here. Known: ${columns.map(([title]) => title).join(', ')}.`);
}

import { createSavedSearch, SEARCHED_THINGS, updateSavedSearch, listSavedSearches } from '@sodate/contract/search.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, flag, needed, text } from '../command.ts';
import { readColumns } from '../search-options.ts';

export const searchSave = defineCommand({
  path: 'search save',
  summary: 'Keep a search under a name; one of mine that has the name already is replaced',
  details: "Example: sodate search save run good 'metric.loss<0.1 -state:failed' --sort metric.loss",
  tenant: true,
  args: {
    thing: needed('<thing>', `what it searches: ${SEARCHED_THINGS.join(', ')}`),
    name: needed('<name>', 'for --saved of the lists'),
    query: needed('<search>', 'as for --search; may be empty: ""'),
  },
  options: {
    sort: text('--sort <column>', 'in the order of a column; --sort=-name is from the largest down'),
    columns: text('--columns <names>', 'show these columns, separated by commas'),
    shared: flag('--shared', 'for everybody in the tenant'),
  },
  async run(input, cli) {
    const thing = SEARCHED_THINGS.find((one) => one === input.thing);
    if (thing === undefined) throw usageError(`"${input.thing}" is none of ${SEARCHED_THINGS.join(', ')}.`);
    const tenant = await cli.tenant();
    const client = cli.client();
    const { items } = await client.call(listSavedSearches, { params: { tenant }, query: { thing, name: input.name }, signal: cli.signal });
    const before = items.find(({ shared }) => shared === input.shared);
    const body = { name: input.name, query: input.query, sort: input.sort ?? null, columns: [...(readColumns(input.columns) ?? [])], shared: input.shared };
    const saved =
      before === undefined
        ? await client.call(createSavedSearch, { params: { tenant }, body: { ...body, thing }, signal: cli.signal })
        : await client.call(updateSavedSearch, { params: { tenant, search: before.id }, body, signal: cli.signal });
    await cli.show(saved, () => `Saved. Use it with: sodate ${thing} list --saved ${JSON.stringify(saved.name)}`);
  },
});

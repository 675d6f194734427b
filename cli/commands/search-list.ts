import { listSavedSearches } from '@sodate/contract/search.ts';
import { defineCommand } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { table } from '../output/table.ts';

export const searchList = defineCommand({
  path: 'search list',
  summary: 'My saved searches and those that are shared',
  tenant: true,
  options: { limit: limitOption },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant() };
    const found = await listAll(input.limit, (page) => client.call(listSavedSearches, { params, query: page, signal: cli.signal }));
    await cli.show(
      found,
      () =>
        table(
          ['thing', 'name', 'search', 'sort', 'columns', 'shared', 'by'],
          found.items.map((one) => [one.thing, one.name, one.query, one.sort, one.columns.join(', '), one.shared ? 'yes' : 'no', one.owner.name]),
        ) + moreLine(found),
    );
  },
});

import { listDataFiles } from '@sodate/contract/data.ts';
import { defineCommand, needed } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { formatBytes } from '../output/bytes.ts';
import { table } from '../output/table.ts';

export const dataFiles = defineCommand({
  path: 'data files',
  summary: 'The files of a data, by name',
  tenant: true,
  args: { data: needed('<data>', 'number or id') },
  options: { limit: limitOption },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), data: input.data };
    const found = await listAll(input.limit, (query) => client.call(listDataFiles, { params, query, signal: cli.signal }));
    await cli.show(
      found,
      () =>
        table(
          ['name', 'size', 'digest'],
          found.items.map((one) => [one.name, formatBytes(one.size), one.digest]),
        ) + moreLine(found),
    );
  },
});

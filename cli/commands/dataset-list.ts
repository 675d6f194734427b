import { listDatasets } from '@sodate/contract/datasets.ts';
import { defineCommand, text } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export const datasetList = defineCommand({
  path: 'dataset list',
  summary: 'Data sets, newest first',
  tenant: true,
  options: { text: text('--text <text>', 'part of name or memo'), limit: limitOption },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant() };
    const found = await listAll(input.limit, (page) => client.call(listDatasets, { params, query: { ...page, text: input.text }, signal: cli.signal }));
    await cli.show(
      found,
      () =>
        table(
          ['number', 'name', 'entries', 'locked', 'created', 'by'],
          found.items.map((one) => [one.number, one.name, one.entryCount, one.locked ? 'yes' : 'no', formatTime(one.createdAt), one.createdBy.name]),
        ) + moreLine(found),
    );
  },
});

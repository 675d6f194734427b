import { type Dataset, listDatasets } from '@sodate/contract/datasets.ts';
import { defineCommand, text } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { formatTime } from '../output/time.ts';
import { askFor, type Column, searchOptions, tableOf } from '../search-options.ts';

const COLUMNS: readonly Column<Dataset>[] = [
  ['number', (one) => one.number],
  ['name', (one) => one.name],
  ['entries', (one) => one.entryCount],
  ['locked', (one) => (one.locked ? 'yes' : 'no')],
  ['created', (one) => formatTime(one.createdAt)],
  ['by', (one) => one.createdBy.name],
];

export const datasetList = defineCommand({
  path: 'dataset list',
  summary: 'Data sets, newest first',
  tenant: true,
  options: { text: text('--text <text>', 'part of name or memo'), ...searchOptions, limit: limitOption },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant() };
    const { columns, ...asked } = await askFor(cli, params.tenant, 'dataset', input);
    const found = await listAll(input.limit, (page) =>
      client.call(listDatasets, { params, query: { ...page, ...asked, text: input.text }, signal: cli.signal }),
    );
    await cli.show(found, () => tableOf(found.items, COLUMNS, columns) + moreLine(found));
  },
});

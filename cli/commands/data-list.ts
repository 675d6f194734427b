import { type Data, listData } from '@sodate/contract/data.ts';
import { defineCommand, text, texts } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { formatBytes } from '../output/bytes.ts';
import { formatTime } from '../output/time.ts';
import { askFor, type Column, searchOptions, tableOf } from '../search-options.ts';

const COLUMNS: readonly Column<Data>[] = [
  ['number', (one) => one.number],
  ['name', (one) => one.name],
  ['tags', (one) => one.tags.join(', ')],
  ['files', (one) => one.fileCount],
  ['size', (one) => formatBytes(one.totalSize)],
  ['created', (one) => formatTime(one.createdAt)],
  ['by', (one) => one.createdBy.name],
];

export const dataList = defineCommand({
  path: 'data list',
  summary: 'Data, newest first',
  tenant: true,
  options: {
    text: text('--text <text>', 'part of name or memo'),
    tag: texts('--tag <tag>', 'with this tag'),
    createdBy: text('--created-by <user>', 'made by this user'),
    ...searchOptions,
    limit: limitOption,
  },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant() };
    const { columns, ...asked } = await askFor(cli, params.tenant, 'data', input);
    const filter = { ...asked, text: input.text, tag: [...input.tag], createdBy: input.createdBy };
    const found = await listAll(input.limit, (page) => client.call(listData, { params, query: { ...page, ...filter }, signal: cli.signal }));
    await cli.show(found, () => tableOf(found.items, COLUMNS, columns) + moreLine(found));
  },
});

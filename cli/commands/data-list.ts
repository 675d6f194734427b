import { listData } from '@sodate/contract/data.ts';
import { defineCommand, text, texts } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { formatBytes } from '../output/bytes.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export const dataList = defineCommand({
  path: 'data list',
  summary: 'Data, newest first',
  tenant: true,
  options: {
    text: text('--text <text>', 'part of name or memo'),
    tag: texts('--tag <tag>', 'with this tag'),
    createdBy: text('--created-by <user>', 'made by this user'),
    limit: limitOption,
  },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant() };
    const filter = { text: input.text, tag: [...input.tag], createdBy: input.createdBy };
    const found = await listAll(input.limit, (page) => client.call(listData, { params, query: { ...page, ...filter }, signal: cli.signal }));
    await cli.show(
      found,
      () =>
        table(
          ['number', 'name', 'tags', 'files', 'size', 'created', 'by'],
          found.items.map((one) => [
            one.number,
            one.name,
            one.tags.join(', '),
            one.fileCount,
            formatBytes(one.totalSize),
            formatTime(one.createdAt),
            one.createdBy.name,
          ]),
        ) + moreLine(found),
    );
  },
});

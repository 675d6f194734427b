import { updateData } from '@sodate/contract/data.ts';
import { defineCommand, flag, needed, text, texts } from '../command.ts';
import { formatData } from '../output/data.ts';

export const dataEdit = defineCommand({
  path: 'data edit',
  summary: 'Change name, memo or tags',
  tenant: true,
  args: { data: needed('<data>', 'number or id') },
  options: {
    name: text('--name <name>', 'new name'),
    memo: text('--memo <text>', 'new memo'),
    tag: texts('--tag <tag>', 'the tags; they replace all present ones'),
    noTags: flag('--clear-tags', 'remove all tags'),
  },
  async run(input, cli) {
    const tags = input.noTags ? [] : input.tag.length > 0 ? [...input.tag] : undefined;
    const data = await cli.client().call(updateData, {
      params: { tenant: await cli.tenant(), data: input.data },
      body: { name: input.name, memo: input.memo, tags },
      signal: cli.signal,
    });
    await cli.show(data, () => formatData(data));
  },
});

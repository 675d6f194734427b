import { randomUUID } from 'node:crypto';
import { createData } from '@sodate/contract/data.ts';
import { defineCommand, needed, text, texts } from '../command.ts';
import { formatData } from '../output/data.ts';

export const dataCreate = defineCommand({
  path: 'data create',
  summary: 'Create a data; its files follow with `data upload`',
  tenant: true,
  args: { name: needed('<name>', 'name') },
  options: {
    memo: text('--memo <text>', 'memo'),
    tag: texts('--tag <tag>', 'tag'),
    parent: text('--parent <data>', 'the data this one is derived from: number or id'),
  },
  async run(input, cli) {
    const data = await cli.client().call(createData, {
      params: { tenant: await cli.tenant() },
      body: { name: input.name, memo: input.memo, tags: [...input.tag], parent: input.parent },
      idempotencyKey: randomUUID(),
      signal: cli.signal,
    });
    await cli.show(data, () => formatData(data));
  },
});

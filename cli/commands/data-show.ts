import { getData } from '@sodate/contract/data.ts';
import { defineCommand, needed } from '../command.ts';
import { formatData } from '../output/data.ts';

export const dataShow = defineCommand({
  path: 'data show',
  summary: 'One data',
  tenant: true,
  args: { data: needed('<data>', 'number or id') },
  async run(input, cli) {
    const data = await cli.client().call(getData, { params: { tenant: await cli.tenant(), data: input.data }, signal: cli.signal });
    await cli.show(data, () => formatData(data));
  },
});

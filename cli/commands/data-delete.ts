import { deleteData } from '@sodate/contract/data.ts';
import { defineCommand, needed } from '../command.ts';

export const dataDelete = defineCommand({
  path: 'data delete',
  summary: 'Delete a data and its files',
  tenant: true,
  args: { data: needed('<data>', 'number or id') },
  async run(input, cli) {
    await cli.client().call(deleteData, { params: { tenant: await cli.tenant(), data: input.data }, signal: cli.signal });
    await cli.show({ deleted: input.data }, () => `Data ${input.data} is deleted.`);
  },
});

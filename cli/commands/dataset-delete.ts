import { deleteDataset } from '@sodate/contract/datasets.ts';
import { defineCommand, needed } from '../command.ts';

export const datasetDelete = defineCommand({
  path: 'dataset delete',
  summary: 'Delete a data set that no run has used',
  tenant: true,
  args: { dataset: needed('<dataset>', 'number or id') },
  async run(input, cli) {
    await cli.client().call(deleteDataset, { params: { tenant: await cli.tenant(), dataset: input.dataset }, signal: cli.signal });
    await cli.show({ deleted: input.dataset }, () => `Data set ${input.dataset} is deleted.`);
  },
});

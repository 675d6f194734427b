import { getDataset } from '@sodate/contract/datasets.ts';
import { defineCommand, needed } from '../command.ts';
import { formatDataset } from '../output/dataset.ts';

export const datasetShow = defineCommand({
  path: 'dataset show',
  summary: 'One data set with its entries',
  tenant: true,
  args: { dataset: needed('<dataset>', 'number or id') },
  async run(input, cli) {
    const dataset = await cli.client().call(getDataset, { params: { tenant: await cli.tenant(), dataset: input.dataset }, signal: cli.signal });
    await cli.show(dataset, () => formatDataset(dataset));
  },
});

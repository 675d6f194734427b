import { copyDataset } from '@sodate/contract/datasets.ts';
import { defineCommand, needed, text } from '../command.ts';
import { formatDataset } from '../output/dataset.ts';

export const datasetCopy = defineCommand({
  path: 'dataset copy',
  summary: 'An unlocked copy, to be changed',
  tenant: true,
  args: { dataset: needed('<dataset>', 'number or id') },
  options: { name: text('--name <name>', 'name of the copy') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), dataset: input.dataset };
    const dataset = await cli.client().call(copyDataset, { params, body: { name: input.name }, signal: cli.signal });
    await cli.show(dataset, () => formatDataset(dataset));
  },
});

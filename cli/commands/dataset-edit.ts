import { type DatasetDetails, getDataset, updateDataset } from '@sodate/contract/datasets.ts';
import { defineCommand, needed, text } from '../command.ts';
import { entryOptions, readEntries } from '../dataset-entries.ts';
import { formatDataset } from '../output/dataset.ts';

export const datasetEdit = defineCommand({
  path: 'dataset edit',
  summary: 'Change name or memo; entries while it is not locked',
  details: 'A list given replaces the present list of that type; the other types stay.',
  tenant: true,
  args: { dataset: needed('<dataset>', 'number or id') },
  options: { name: text('--name <name>', 'new name'), memo: text('--memo <text>', 'new memo'), ...entryOptions },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), dataset: input.dataset };
    const { signal } = cli;
    const present = idsOf(await client.call(getDataset, { params, signal }));
    const body = { name: input.name, memo: input.memo, ...readEntries(input, present) };
    const dataset = await client.call(updateDataset, { params, body, signal });
    await cli.show(dataset, () => formatDataset(dataset));
  },
});

const idsOf = ({ entries }: DatasetDetails) => ({
  training: entries.training.map((one): string => one.id),
  testing: entries.testing.map((one): string => one.id),
  validation: entries.validation.map((one): string => one.id),
});

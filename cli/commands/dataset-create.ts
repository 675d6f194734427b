import { randomUUID } from 'node:crypto';
import { createDataset } from '@sodate/contract/datasets.ts';
import { defineCommand, needed, text } from '../command.ts';
import { entryOptions, readEntries } from '../dataset-entries.ts';
import { formatDataset } from '../output/dataset.ts';

export const datasetCreate = defineCommand({
  path: 'dataset create',
  summary: 'Create a data set from data',
  details: 'Example: sodate dataset create digits --training 1-10 --testing 11-20',
  tenant: true,
  args: { name: needed('<name>', 'name') },
  options: { memo: text('--memo <text>', 'memo'), ...entryOptions },
  async run(input, cli) {
    const dataset = await cli.client().call(createDataset, {
      params: { tenant: await cli.tenant() },
      body: { name: input.name, memo: input.memo, ...readEntries(input, { training: [], testing: [], validation: [] }) },
      idempotencyKey: randomUUID(),
      signal: cli.signal,
    });
    await cli.show(dataset, () => formatDataset(dataset));
  },
});

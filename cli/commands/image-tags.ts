import { listImageTags } from '@sodate/contract/registries.ts';
import { defineCommand, needed } from '../command.ts';
import { table } from '../output/table.ts';

export const imageTags = defineCommand({
  path: 'image tags',
  summary: 'Tags of an image',
  tenant: true,
  args: { registry: needed('<registry>', 'name or id of the registry'), image: needed('<image>', 'name as `sodate image list` shows it') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), registry: input.registry };
    const found = await cli.client().call(listImageTags, { params, query: { image: input.image }, signal: cli.signal });
    await cli.show(
      found,
      () =>
        table(
          ['tag', 'for submissions'],
          found.items.map((one) => [one.name, one.reference]),
        ) + (found.truncated ? '\n(the registry has more than it is asked for)' : ''),
    );
  },
});

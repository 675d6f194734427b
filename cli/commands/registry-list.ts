import { listRegistries } from '@sodate/contract/registries.ts';
import { defineCommand } from '../command.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export const registryList = defineCommand({
  path: 'registry list',
  summary: 'Where images of containers come from',
  async run(_input, cli) {
    const found = await cli.client().call(listRegistries, { signal: cli.signal });
    await cli.show(found, () =>
      table(
        ['name', 'address', 'asked over', 'signs in at', 'created'],
        found.items.map((one) => [one.name, one.address, one.insecure ? 'http' : 'https', one.tokenHosts.join(', '), formatTime(one.createdAt)]),
      ),
    );
  },
});

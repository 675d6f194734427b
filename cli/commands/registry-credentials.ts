import { listRegistryCredentials } from '@sodate/contract/registries.ts';
import { defineCommand } from '../command.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export const registryCredentials = defineCommand({
  path: 'registry credentials',
  summary: 'As whom the tenant pulls images, by host',
  tenant: true,
  async run(_input, cli) {
    const found = await cli.client().call(listRegistryCredentials, { params: { tenant: await cli.tenant() }, signal: cli.signal });
    await cli.show(found, () =>
      table(
        ['host', 'user', 'set'],
        found.items.map((one) => [one.host, one.userName, formatTime(one.setAt)]),
      ),
    );
  },
});

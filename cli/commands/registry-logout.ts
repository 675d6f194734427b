import { deleteRegistryCredential } from '@sodate/contract/registries.ts';
import { defineCommand, needed } from '../command.ts';
import { registryHost } from '../registry-host.ts';

export const registryLogout = defineCommand({
  path: 'registry logout',
  summary: "Forget the tenant's user name and password for a registry (its admins)",
  tenant: true,
  args: { registry: needed('<registry>', 'name of a registry, or HOST[:PORT] of any other one') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), host: await registryHost(input.registry, cli) };
    await cli.client().call(deleteRegistryCredential, { params, signal: cli.signal });
    await cli.show({ removed: params.host }, () => `${params.tenant} has no password for ${params.host} any more.`);
  },
});

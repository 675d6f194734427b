import { createRegistry } from '@sodate/contract/registries.ts';
import { defineCommand, flag, needed, texts } from '../command.ts';

export const registryAdd = defineCommand({
  path: 'registry add',
  summary: 'Register a registry of container images for all tenants (system admins)',
  args: { name: needed('<name>', 'name of the registry'), address: needed('<address>', 'HOST or HOST:PORT, as in names of images') },
  options: {
    insecure: flag('--insecure', 'ask it over http: passwords travel unencrypted'),
    tokenHost: texts('--token-host <host>', 'another host to which it may send us to sign in'),
  },
  async run(input, cli) {
    const body = { name: input.name, address: input.address, insecure: input.insecure, tokenHosts: [...input.tokenHost] };
    const registry = await cli.client().call(createRegistry, { body, signal: cli.signal });
    await cli.show(registry, () => `Registry ${registry.name} is registered. \`sodate image list ${registry.name}\` shows what is there.`);
  },
});

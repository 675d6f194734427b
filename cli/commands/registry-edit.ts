import { updateRegistry } from '@sodate/contract/registries.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, flag, needed, text, texts } from '../command.ts';

export const registryEdit = defineCommand({
  path: 'registry edit',
  summary: 'Change how a registry is named and asked (system admins)',
  details: 'The address stays: another address is another registry, for which tenants have other passwords.',
  args: { registry: needed('<registry>', 'name or id') },
  options: {
    name: text('--name <name>', 'another name'),
    insecure: flag('--insecure', 'ask it over http: passwords travel unencrypted'),
    secure: flag('--secure', 'ask it over https'),
    tokenHost: texts('--token-host <host>', 'host to which it may send us to sign in, instead of those before'),
    clearTokenHosts: flag('--clear-token-hosts', 'it may send us nowhere else to sign in'),
  },
  async run(input, cli) {
    if (input.insecure && input.secure) throw usageError('--insecure and --secure exclude each other.');
    if (input.clearTokenHosts && input.tokenHost.length > 0) throw usageError('--token-host and --clear-token-hosts exclude each other.');
    const body = {
      name: input.name,
      insecure: input.insecure || input.secure ? input.insecure : undefined,
      tokenHosts: input.clearTokenHosts || input.tokenHost.length > 0 ? [...input.tokenHost] : undefined,
    };
    if (Object.values(body).every((one) => one === undefined)) throw usageError('Say what to change; see --help.');
    const registry = await cli.client().call(updateRegistry, { params: { registry: input.registry }, body, signal: cli.signal });
    await cli.show(registry, () => `Registry ${registry.name} at ${registry.address} is asked over ${registry.insecure ? 'http' : 'https'}.`);
  },
});

import { deleteRegistry } from '@sodate/contract/registries.ts';
import { defineCommand, needed } from '../command.ts';

export const registryRemove = defineCommand({
  path: 'registry remove',
  summary: "Remove a registry and every tenant's password for it (system admins)",
  args: { registry: needed('<registry>', 'name or id') },
  async run(input, cli) {
    await cli.client().call(deleteRegistry, { params: { registry: input.registry }, signal: cli.signal });
    await cli.show({ removed: input.registry }, () => `Registry ${input.registry} is removed.`);
  },
});

import { randomUUID } from 'node:crypto';
import { createTenant } from '@sodate/contract/tenants.ts';
import { defineCommand, flag, needed, text } from '../command.ts';
import { formatTenant } from '../output/tenant.ts';
import { cpuOption, executorsOption, gpusOption, memoryOption } from '../resource-options.ts';

export const tenantCreate = defineCommand({
  path: 'tenant create',
  summary: 'Create a tenant (system admins)',
  args: { name: needed('<name>', 'lower-case letters, digits and hyphens') },
  options: {
    displayName: text('--display-name <text>', 'name shown to people'),
    cpu: cpuOption('cores its runs may use together'),
    memory: memoryOption('memory its runs may use together'),
    gpus: gpusOption('GPUs its runs may use together'),
    executors: executorsOption(),
    noCapabilities: flag('--no-capabilities', 'its containers run without any capability'),
  },
  async run(input, cli) {
    const tenant = await cli.client().call(createTenant, {
      body: {
        name: input.name,
        displayName: input.displayName,
        quota: { cpu: input.cpu, memory: input.memory, gpus: input.gpus },
        executors: input.executors?.names,
        ...(input.noCapabilities ? { dropCapabilities: true } : {}),
      },
      idempotencyKey: randomUUID(),
      signal: cli.signal,
    });
    await cli.show(tenant, () => formatTenant(tenant));
  },
});

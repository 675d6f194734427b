import { getTenant, updateTenant } from '@sodate/contract/tenants.ts';
import { defineCommand, flag, needed, text } from '../command.ts';
import { formatTenant } from '../output/tenant.ts';
import { cpuOption, executorsOption, gpusOption, memoryOption } from '../resource-options.ts';

export const tenantEdit = defineCommand({
  path: 'tenant edit',
  summary: 'Change display name, quota, which executors may be used, or what containers may do (system admins)',
  args: { name: needed('<name>', 'tenant') },
  options: {
    displayName: text('--display-name <text>', 'name shown to people'),
    cpu: cpuOption('cores its runs may use together'),
    memory: memoryOption('memory its runs may use together'),
    gpus: gpusOption('GPUs its runs may use together'),
    executors: executorsOption(),
    noCapabilities: flag('--no-capabilities', 'its containers run without any capability'),
    usualCapabilities: flag('--usual-capabilities', 'its containers have the usual capabilities again'),
    noQuota: flag('--unlimited', 'lift all limits not given here'),
  },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: input.name };
    const { signal } = cli;
    const asked = {
      ...(input.cpu === undefined ? {} : { cpu: input.cpu }),
      ...(input.memory === undefined ? {} : { memory: input.memory }),
      ...(input.gpus === undefined ? {} : { gpus: input.gpus }),
    };
    // The API replaces the quota as a whole; limits that were not named stay.
    const present = input.noQuota || Object.keys(asked).length === 0 ? {} : (await client.call(getTenant, { params, signal })).quota;
    const quota = input.noQuota || Object.keys(asked).length > 0 ? { ...present, ...asked } : undefined;
    const dropCapabilities = input.noCapabilities ? true : input.usualCapabilities ? false : undefined;
    const tenant = await client.call(updateTenant, {
      params,
      body: { displayName: input.displayName, quota, executors: input.executors?.names, dropCapabilities },
      signal,
    });
    await cli.show(tenant, () => formatTenant(tenant));
  },
});

import { getTenant } from '@sodate/contract/tenants.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand, needed } from '../command.ts';

export const tenantUse = defineCommand({
  path: 'tenant use',
  summary: 'Choose the tenant that the next commands work in',
  args: { name: needed('<name>', 'tenant') },
  async run(input, cli) {
    if (cli.config.server !== cli.server) {
      throw new CliError('The choice is kept with a session. Sign in with `sodate login`, or use SODATE_TENANT or --tenant.');
    }
    const tenant = await cli.client().call(getTenant, { params: { tenant: input.name }, signal: cli.signal });
    await cli.saveConfig({ ...cli.config, tenant: tenant.name });
    await cli.show({ tenant: tenant.name }, () => `Working in ${tenant.name} (${tenant.displayName}).`);
  },
});

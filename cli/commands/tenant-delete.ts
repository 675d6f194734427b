import { deleteTenant } from '@sodate/contract/tenants.ts';
import { defineCommand, needed } from '../command.ts';

export const tenantDelete = defineCommand({
  path: 'tenant delete',
  summary: 'Delete an empty tenant (system admins)',
  args: { name: needed('<name>', 'tenant') },
  async run(input, cli) {
    await cli.client().call(deleteTenant, { params: { tenant: input.name }, signal: cli.signal });
    await cli.show({ deleted: input.name }, () => `Tenant ${input.name} is deleted.`);
  },
});

import { getTenant } from '@sodate/contract/tenants.ts';
import { defineCommand, text } from '../command.ts';
import { formatTenant } from '../output/tenant.ts';

export const tenantShow = defineCommand({
  path: 'tenant show',
  summary: 'One tenant',
  tenant: true,
  args: { name: text('[name]', 'tenant; the current one if left out') },
  async run(input, cli) {
    const tenant = await cli.client().call(getTenant, { params: { tenant: input.name ?? (await cli.tenant()) }, signal: cli.signal });
    await cli.show(tenant, () => formatTenant(tenant));
  },
});

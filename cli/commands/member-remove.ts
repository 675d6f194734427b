import { removeMember } from '@sodate/contract/tenants.ts';
import { defineCommand, needed } from '../command.ts';

export const memberRemove = defineCommand({
  path: 'member remove',
  summary: 'Take a user out of the tenant',
  tenant: true,
  args: { user: needed('<user>', 'user name') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), user: input.user };
    await cli.client().call(removeMember, { params, signal: cli.signal });
    await cli.show({ removed: input.user }, () => `${input.user} is no longer in ${params.tenant}.`);
  },
});

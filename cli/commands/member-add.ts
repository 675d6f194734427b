import { putMember, ROLES } from '@sodate/contract/tenants.ts';
import { choice, defineCommand, needed } from '../command.ts';

export const memberAdd = defineCommand({
  path: 'member add',
  summary: 'Give a user a role in the tenant, or another one',
  tenant: true,
  args: { user: needed('<user>', 'user name') },
  options: { role: choice('--role <role>', 'role (default: member)', ROLES) },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), user: input.user };
    const member = await cli.client().call(putMember, { params, body: { role: input.role ?? 'member' }, signal: cli.signal });
    await cli.show(member, () => `${member.user.name} is ${member.role} of ${params.tenant}.`);
  },
});

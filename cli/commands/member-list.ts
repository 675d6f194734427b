import { listMembers } from '@sodate/contract/tenants.ts';
import { defineCommand } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { table } from '../output/table.ts';

export const memberList = defineCommand({
  path: 'member list',
  summary: 'Who works in the tenant, and as what',
  tenant: true,
  options: { limit: limitOption },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant() };
    const found = await listAll(input.limit, (query) => client.call(listMembers, { params, query, signal: cli.signal }));
    await cli.show(
      found,
      () =>
        table(
          ['user', 'name', 'role'],
          found.items.map((one) => [one.user.name, one.user.displayName, one.role]),
        ) + moreLine(found),
    );
  },
});

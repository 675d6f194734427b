import { listTenants } from '@sodate/contract/tenants.ts';
import { defineCommand, text } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { table } from '../output/table.ts';
import { formatQuota } from '../output/tenant.ts';

export const tenantList = defineCommand({
  path: 'tenant list',
  summary: 'The tenants I may see',
  options: { text: text('--text <text>', 'part of the name'), limit: limitOption },
  async run(input, cli) {
    const client = cli.client();
    const found = await listAll(input.limit, (page) => client.call(listTenants, { query: { ...page, text: input.text }, signal: cli.signal }));
    await cli.show(
      found,
      () =>
        table(
          ['name', 'display name', 'quota'],
          found.items.map((one) => [one.name, one.displayName, formatQuota(one.quota)]),
        ) + moreLine(found),
    );
  },
});

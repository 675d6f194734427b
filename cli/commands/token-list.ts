import { listTokens } from '@sodate/contract/tokens.ts';
import { defineCommand } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export const tokenList = defineCommand({
  path: 'token list',
  summary: "My tokens in the tenant; for its admins, everybody's",
  tenant: true,
  options: { limit: limitOption },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant() };
    const found = await listAll(input.limit, (query) => client.call(listTokens, { params, query, signal: cli.signal }));
    await cli.show(
      found,
      () =>
        table(
          ['id', 'name', 'user', 'created', 'last used', 'expires'],
          found.items.map((one) => [one.id, one.name, one.user.name, formatTime(one.createdAt), formatTime(one.lastUsedAt), formatTime(one.expiresAt)]),
        ) + moreLine(found),
    );
  },
});

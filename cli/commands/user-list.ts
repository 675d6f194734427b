import { listUsers } from '@sodate/contract/users.ts';
import { defineCommand, text } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export const userList = defineCommand({
  path: 'user list',
  summary: 'All users (system admins)',
  options: { text: text('--text <text>', 'part of the name'), limit: limitOption },
  async run(input, cli) {
    const client = cli.client();
    const found = await listAll(input.limit, (page) => client.call(listUsers, { query: { ...page, text: input.text }, signal: cli.signal }));
    await cli.show(
      found,
      () =>
        table(
          ['user', 'name', 'admin', 'state', 'created'],
          found.items.map((one) => [
            one.name,
            one.displayName,
            one.systemAdmin ? 'yes' : 'no',
            one.disabled ? 'disabled' : one.hasPassword ? 'active' : 'no password yet',
            formatTime(one.createdAt),
          ]),
        ) + moreLine(found),
    );
  },
});

import { getMe } from '@sodate/contract/session.ts';
import { defineCommand } from '../command.ts';
import { fields } from '../output/table.ts';

export const whoami = defineCommand({
  path: 'whoami',
  summary: 'Who I am, where, and in which tenants I work',
  async run(_input, cli) {
    const me = await cli.client().call(getMe, { signal: cli.signal });
    await cli.show({ server: cli.server, ...me }, () =>
      fields([
        ['Server', cli.server],
        ['User', me.name],
        ['Name', me.displayName],
        ['System admin', me.systemAdmin ? 'yes' : 'no'],
        ['Tenants', me.tenants.map((tenant) => `${tenant.name} (${tenant.role})`).join('\n')],
      ]),
    );
  },
});

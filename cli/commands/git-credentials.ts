import { listGitCredentials } from '@sodate/contract/git-credentials.ts';
import { defineCommand } from '../command.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export const gitCredentials = defineCommand({
  path: 'git credentials',
  summary: "What is signed in with at git servers: yours, and the tenant's where you have none",
  tenant: true,
  async run(_input, cli) {
    const found = await cli.client().call(listGitCredentials, { params: { tenant: await cli.tenant() }, signal: cli.signal });
    await cli.show(found, () =>
      table(
        ['endpoint', 'whose', 'user', 'holds', 'set'],
        found.items.map((one) => [
          one.endpoint.name,
          one.owner === 'mine' ? 'yours' : "the tenant's",
          one.userName,
          one.holds.join(', '),
          formatTime(one.setAt),
        ]),
      ),
    );
  },
});

import { listRepositories } from '@sodate/contract/git.ts';
import { defineCommand, text } from '../command.ts';
import { onlyEndpoint } from '../only-endpoint.ts';
import { table } from '../output/table.ts';

export const gitRepositories = defineCommand({
  path: 'git repositories',
  summary: 'Repositories of an endpoint',
  tenant: true,
  args: { endpoint: text('[endpoint]', 'name or id; not needed where there is only one') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), endpoint: await onlyEndpoint(input.endpoint, cli) };
    const found = await cli.client().call(listRepositories, { params, signal: cli.signal });
    await cli.show(found, () =>
      table(
        ['repository'],
        found.items.map((one) => [one.name]),
      ),
    );
  },
});

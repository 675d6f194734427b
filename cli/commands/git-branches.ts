import { listBranches } from '@sodate/contract/git.ts';
import { defineCommand, needed } from '../command.ts';
import { endpointOption, onlyEndpoint } from '../only-endpoint.ts';
import { table } from '../output/table.ts';

export const gitBranches = defineCommand({
  path: 'git branches',
  summary: 'Branches of a repository, the default one first',
  tenant: true,
  args: { repository: needed('<repository>', 'path below the endpoint') },
  options: { endpoint: endpointOption },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), endpoint: await onlyEndpoint(input.endpoint, cli) };
    const found = await cli.client().call(listBranches, { params, query: { repository: input.repository }, signal: cli.signal });
    await cli.show(found, () =>
      table(
        ['branch', 'commit', 'default'],
        found.items.map((one) => [one.name, one.commit.slice(0, 12), one.isDefault ? 'yes' : '']),
      ),
    );
  },
});

import { listGitEndpoints } from '@sodate/contract/git.ts';
import { defineCommand } from '../command.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export const gitEndpoints = defineCommand({
  path: 'git endpoints',
  summary: 'Where repositories can come from',
  async run(_input, cli) {
    const found = await cli.client().call(listGitEndpoints, { signal: cli.signal });
    await cli.show(found, () =>
      table(
        ['name', 'kind', 'address', 'API', 'host keys', 'created'],
        found.items.map((one) => [
          one.name,
          one.kind,
          one.url ?? one.root,
          one.apiUrl,
          one.hostKeys.map(({ fingerprint }) => fingerprint).join(', '),
          formatTime(one.createdAt),
        ]),
      ),
    );
  },
});

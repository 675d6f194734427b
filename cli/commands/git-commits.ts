import { listCommits } from '@sodate/contract/git.ts';
import { defineCommand, needed, text, wholeNumber } from '../command.ts';
import { endpointOption, onlyEndpoint } from '../only-endpoint.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export const gitCommits = defineCommand({
  path: 'git commits',
  summary: 'Commits from a revision back',
  tenant: true,
  args: { repository: needed('<repository>', 'path below the endpoint'), revision: text('[revision]', 'branch, tag or commit; HEAD if left out') },
  options: {
    endpoint: endpointOption,
    limit: wholeNumber('--limit <count>', 'at most this many, up to 200 (default: 50)'),
    skip: wholeNumber('--skip <count>', 'leave out the newest so many'),
  },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), endpoint: await onlyEndpoint(input.endpoint, cli) };
    const query = { repository: input.repository, revision: input.revision, limit: input.limit, skip: input.skip };
    const found = await cli.client().call(listCommits, { params, query, signal: cli.signal });
    await cli.show(found, () =>
      table(
        ['commit', 'when', 'author', 'message'],
        found.items.map((one) => [one.id.slice(0, 12), formatTime(one.committedAt), one.author, one.message.split('\n')[0] ?? '']),
      ),
    );
  },
});

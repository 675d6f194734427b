import { listRepositories } from '@sodate/contract/git.ts';
import { defineCommand, text, wholeNumber } from '../command.ts';
import { usageError } from '../cli-error.ts';
import { onlyEndpoint } from '../only-endpoint.ts';
import { table } from '../output/table.ts';

/** Of one page; the API's limit. */
const PAGE = 200;

export const gitRepositories = defineCommand({
  path: 'git repositories',
  summary: 'Repositories of an endpoint that you may read there',
  tenant: true,
  args: { endpoint: text('[endpoint]', 'name or id; not needed where there is only one') },
  options: { text: text('--text <text>', 'with this in their name'), limit: wholeNumber('--limit <count>', 'at most this many (default: 1000)') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), endpoint: await onlyEndpoint(input.endpoint, cli) };
    const wanted = input.limit ?? 1000;
    if (wanted < 1) throw usageError('--limit: at least 1.');
    const items: { name: string }[] = [];
    for (let cursor: string | undefined; ;) {
      // Pages of one size: a server that turns them by number would skip some otherwise.
      const query = { limit: Math.min(PAGE, wanted), text: input.text, cursor };
      const page = await cli.client().call(listRepositories, { params, query, signal: cli.signal });
      items.push(...page.items);
      cursor = page.nextCursor ?? undefined;
      if (cursor === undefined || items.length >= wanted) break;
    }
    const found = { items: items.slice(0, wanted) };
    await cli.show(found, () =>
      table(
        ['repository'],
        found.items.map((one) => [one.name]),
      ),
    );
  },
});

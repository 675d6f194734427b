import { listOutputs, type OutputEntry, searchOutputs } from '@sodate/contract/run-routes.ts';
import { defineCommand, text } from '../command.ts';
import { limitOption, listAll, moreLine } from '../list-all.ts';
import { formatBytes } from '../output/bytes.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';
import { runArgument } from '../run-reference.ts';

export const runOutputs = defineCommand({
  path: 'run outputs',
  summary: "What is in a folder of a run's output, also while it goes on",
  details: 'Of a folder the size is that of all files below it, known some time after the run has ended.',
  tenant: true,
  args: { run: runArgument, path: text('[path]', 'folder inside the output') },
  options: { limit: limitOption, search: text('--search <text>', 'everything below the folder that has this in its name') },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), run: input.run };
    const path = input.path?.replace(/\/+$/, '') ?? '';
    const { search } = input;
    const { signal } = cli;
    const found = await listAll(input.limit, async (query) => {
      if (search === undefined) return client.call(listOutputs, { params, query: { ...query, path }, signal });
      const page = await client.call(searchOutputs, { params, query: { ...query, path, text: search }, signal });
      return { ...page, total: { count: page.items.length, exact: page.nextCursor === null } };
    });
    await cli.show(
      found,
      () =>
        table(['name', 'size', 'changed'], found.items.map(rowOf)) +
        (search === undefined ? moreLine(found) : found.nextCursor === null ? '' : '\n(there is more; --limit shows more)'),
    );
  },
});

function rowOf(entry: OutputEntry): readonly (string | null)[] {
  const { below } = entry;
  const size = entry.size ?? below?.size ?? null;
  const files = below === null ? '' : ` in ${below.exact ? '' : 'more than '}${below.files} file${below.files === 1 ? '' : 's'}`;
  return [
    entry.kind === 'folder' ? `${entry.name}/` : entry.name,
    size === null ? null : `${below?.exact === false ? 'over ' : ''}${formatBytes(size)}${files}`,
    formatTime(entry.modifiedAt),
  ];
}

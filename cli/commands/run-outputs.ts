import { listOutputs } from '@sodate/contract/run-routes.ts';
import { defineCommand, text } from '../command.ts';
import { formatBytes } from '../output/bytes.ts';
import { table } from '../output/table.ts';
import { formatTime } from '../output/time.ts';
import { runArgument } from '../run-reference.ts';

export const runOutputs = defineCommand({
  path: 'run outputs',
  summary: "What is in a folder of a run's output, also while it goes on",
  tenant: true,
  args: { run: runArgument, path: text('[path]', 'folder inside the output') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), run: input.run };
    const found = await cli.client().call(listOutputs, { params, query: { path: input.path?.replace(/\/+$/, '') }, signal: cli.signal });
    await cli.show(
      found,
      () =>
        table(
          ['name', 'size', 'changed'],
          found.items.map((one) => [
            one.kind === 'folder' ? `${one.name}/` : one.name,
            one.size === null ? null : formatBytes(one.size),
            formatTime(one.modifiedAt),
          ]),
        ) + (found.truncated ? '\n(there is more than is shown)' : ''),
    );
  },
});

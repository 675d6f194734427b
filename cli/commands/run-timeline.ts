import { getTimeline } from '@sodate/contract/run-routes.ts';
import { defineCommand } from '../command.ts';
import { table } from '../output/table.ts';
import { formatDuration, formatTime } from '../output/time.ts';
import { runArgument } from '../run-reference.ts';

export const runTimeline = defineCommand({
  path: 'run timeline',
  summary: 'When a run changed its state, and why',
  tenant: true,
  args: { run: runArgument },
  async run(input, cli) {
    const { items } = await cli.client().call(getTimeline, { params: { tenant: await cli.tenant(), run: input.run }, signal: cli.signal });
    await cli.show({ items }, () =>
      table(
        ['when', 'after', 'attempt', 'state', 'note'],
        items.map((one, at) => {
          const before = items[at - 1];
          return [
            formatTime(one.at),
            before === undefined ? null : formatDuration(Date.parse(one.at) - Date.parse(before.at)),
            one.attempt,
            one.state,
            one.note,
          ];
        }),
      ),
    );
  },
});

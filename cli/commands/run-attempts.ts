import { listAttempts } from '@sodate/contract/run-routes.ts';
import { defineCommand } from '../command.ts';
import { table } from '../output/table.ts';
import { formatSpan, formatTime } from '../output/time.ts';
import { runArgument } from '../run-reference.ts';

export const runAttempts = defineCommand({
  path: 'run attempts',
  summary: 'The tries at a run, first to last',
  tenant: true,
  args: { run: runArgument },
  async run(input, cli) {
    const { items } = await cli.client().call(listAttempts, { params: { tenant: await cli.tenant(), run: input.run }, signal: cli.signal });
    await cli.show({ items }, () =>
      table(
        ['attempt', 'executor', 'node', 'isolation', 'image', 'placed', 'duration', 'exit', 'failure'],
        items.map((one) => [
          one.number,
          one.executor,
          one.node,
          one.isolation,
          one.imageDigest?.slice(0, 'sha256:'.length + 12) ?? null,
          formatTime(one.placedAt),
          formatSpan(one.startedAt, one.endedAt, cli.now()),
          one.signal ?? one.exitCode,
          one.failure === null ? null : `${one.failure.class}: ${one.failure.message}`,
        ]),
      ),
    );
  },
});

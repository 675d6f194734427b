import { getUsage } from '@sodate/contract/run-routes.ts';
import { defineCommand } from '../command.ts';
import { formatBytes } from '../output/bytes.ts';
import { fields } from '../output/table.ts';
import { runArgument } from '../run-reference.ts';

export const runUsage = defineCommand({
  path: 'run usage',
  summary: 'What a running run uses now',
  tenant: true,
  args: { run: runArgument },
  async run(input, cli) {
    const { usage } = await cli.client().call(getUsage, { params: { tenant: await cli.tenant(), run: input.run }, signal: cli.signal });
    await cli.show({ usage }, () =>
      usage === null
        ? 'Nothing is known: it does not run, or its executor cannot tell.'
        : fields([
            ['CPU time', `${usage.cpuSeconds.toFixed(1)} s`],
            ['Memory', formatBytes(usage.memory)],
            ['Received', formatBytes(usage.networkReceived)],
            ['Sent', formatBytes(usage.networkSent)],
          ]),
    );
  },
});

import { stopRun } from '@sodate/contract/run-routes.ts';
import { defineCommand, value } from '../command.ts';
import { runName } from '../output/run.ts';
import { parseDuration } from '../output/time.ts';
import { runArgument } from '../run-reference.ts';

export const runStop = defineCommand({
  path: 'run stop',
  summary: 'Ask a run to end; it is killed when the grace time is over',
  tenant: true,
  args: { run: runArgument },
  options: { grace: value('--grace <duration>', 'time to end by itself (default: 10s)', 'a duration such as 30s', parseDuration) },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), run: input.run };
    const run = await cli.client().call(stopRun, { params, body: { graceSeconds: input.grace }, signal: cli.signal });
    await cli.show(run, () => `${runName(run)} is ${run.state}.`);
  },
});

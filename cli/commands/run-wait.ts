import { defineCommand } from '../command.ts';
import { detachable, EXIT_CODES_TEXT, exitCodeOf, waitForEnd } from '../follow-run.ts';
import { formatState, runName } from '../output/run.ts';
import { runArgument } from '../run-reference.ts';

export const runWait = defineCommand({
  path: 'run wait',
  summary: 'Wait until a run has ended, and exit as it did',
  details: EXIT_CODES_TEXT,
  tenant: true,
  args: { run: runArgument },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), run: input.run };
    const run = await detachable(cli, input.run, () => waitForEnd(cli, params));
    await cli.show(run, () => `${runName(run)} ${formatState(run)}`);
    return exitCodeOf(run);
  },
});

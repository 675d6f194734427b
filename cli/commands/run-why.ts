import { getRun, getWaiting } from '@sodate/contract/run-routes.ts';
import { defineCommand } from '../command.ts';
import { formatState, runName } from '../output/run.ts';
import { fields } from '../output/table.ts';
import { formatResources } from '../resource-options.ts';
import { runArgument } from '../run-reference.ts';

export const runWhy = defineCommand({
  path: 'run why',
  summary: 'Why a run has not started yet, or why it failed',
  tenant: true,
  args: { run: runArgument },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), run: input.run };
    const [run, { waiting }] = await Promise.all([
      client.call(getRun, { params, signal: cli.signal }),
      client.call(getWaiting, { params, signal: cli.signal }),
    ]);
    await cli.show({ state: run.state, waiting, failure: run.failure }, () =>
      fields([
        ['Run', `${runName(run)} is ${formatState(run)}`],
        ['Failure', run.failure === null ? null : `${run.failure.message}\n${run.failure.advice}`],
        ['Waits', waiting?.message],
        ['Before it', waiting?.ahead],
        ['Asks for', waiting === null ? null : formatResources(waiting.asked)],
        ['Held by', waiting?.heldBy.join(', ')],
      ]),
    );
  },
});

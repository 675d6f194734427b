import { deleteRun } from '@sodate/contract/run-routes.ts';
import { defineCommand } from '../command.ts';
import { runArgument } from '../run-reference.ts';

export const runDelete = defineCommand({
  path: 'run delete',
  summary: 'Delete a run that has ended, with its outputs and log',
  tenant: true,
  args: { run: runArgument },
  async run(input, cli) {
    await cli.client().call(deleteRun, { params: { tenant: await cli.tenant(), run: input.run }, signal: cli.signal });
    await cli.show({ deleted: input.run }, () => `${input.run} is deleted.`);
  },
});

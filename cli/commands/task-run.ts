import { randomUUID } from 'node:crypto';
import { startTask } from '@sodate/contract/tasks.ts';
import { defineCommand } from '../command.ts';
import { printable } from '../output/table.ts';
import { commandArgument, submissionOptions, toSubmission } from '../submission.ts';
import { afterSubmit } from '../submit-run.ts';

export const taskRun = defineCommand({
  path: 'task run',
  summary: 'Submit a task: a command, its exit code and its log',
  details: `Examples: sodate task run --follow -- node -e 'console.log(42)'
          sodate task run --script 'date; sleep 5; date' --time-limit 1m`,
  tenant: true,
  args: { command: commandArgument },
  options: submissionOptions,
  async run(input, cli) {
    const tenant = await cli.tenant();
    const name = printable(input.command[0] ?? input.script ?? '').trim();
    const run = await cli.client().call(startTask, {
      params: { tenant },
      body: toSubmission(input, name === '' ? 'task' : name),
      idempotencyKey: randomUUID(),
      signal: cli.signal,
    });
    return afterSubmit(cli, tenant, run, input.follow);
  },
});

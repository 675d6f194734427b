import { detachFile } from '@sodate/contract/attachments.ts';
import { defineCommand, needed } from '../command.ts';
import { runArgument } from '../run-reference.ts';

export const runDetach = defineCommand({
  path: 'run detach',
  summary: 'Remove a file that somebody attached to a run',
  tenant: true,
  args: { run: runArgument, name: needed('<name>', 'as `run attachments` shows it') },
  async run(input, cli) {
    const params = { tenant: await cli.tenant(), run: input.run };
    await cli.client().call(detachFile, { params, query: { name: input.name }, signal: cli.signal });
    await cli.show({ detached: input.name }, () => `${input.name} is not attached to ${input.run} any more.`);
  },
});

import { deleteGitEndpoint } from '@sodate/contract/git.ts';
import { defineCommand, needed } from '../command.ts';

export const gitRemove = defineCommand({
  path: 'git remove',
  summary: 'Remove an endpoint that no run has used (system admins)',
  args: { endpoint: needed('<endpoint>', 'name or id') },
  async run(input, cli) {
    await cli.client().call(deleteGitEndpoint, { params: { endpoint: input.endpoint }, signal: cli.signal });
    await cli.show({ removed: input.endpoint }, () => `Endpoint ${input.endpoint} is removed.`);
  },
});

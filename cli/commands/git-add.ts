import { createGitEndpoint } from '@sodate/contract/git.ts';
import { defineCommand, needed } from '../command.ts';

export const gitAdd = defineCommand({
  path: 'git add',
  summary: 'Register a folder of repositories on the server (system admins)',
  args: { name: needed('<name>', 'name of the endpoint'), root: needed('<folder>', 'absolute path on the server, below its SODATE_GIT_ROOT') },
  async run(input, cli) {
    const endpoint = await cli.client().call(createGitEndpoint, { body: { name: input.name, kind: 'local', root: input.root }, signal: cli.signal });
    await cli.show(endpoint, () => `Endpoint ${endpoint.name} is registered. \`sodate git repositories ${endpoint.name}\` lists what is there.`);
  },
});

import { updateGitEndpoint } from '@sodate/contract/git.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, flag, needed, text, texts } from '../command.ts';
import { readSmallFile } from '../read-small-file.ts';
import { hostKeyLines } from './git-add.ts';

export const gitEdit = defineCommand({
  path: 'git edit',
  summary: 'Rename an endpoint, or say which keys its SSH server has now (system admins)',
  details: 'The address stays: another address is another endpoint, for which people have other credentials.',
  args: { endpoint: needed('<endpoint>', 'name or id') },
  options: {
    name: text('--name <name>', 'another name'),
    hostKeys: text('--host-keys <file>', 'keys of the server instead of those before, as ssh-keyscan or known_hosts has them'),
    scanHostKeys: flag('--scan-host-keys', 'ask the server for its keys, and keep them instead of those before'),
    lfsHost: texts('--lfs-host <host>', 'host to which it may send us for content of Git LFS, instead of those before'),
    clearLfsHosts: flag('--clear-lfs-hosts', 'it may send us nowhere else'),
  },
  async run(input, cli) {
    if (input.hostKeys !== undefined && input.scanHostKeys) throw usageError('--host-keys and --scan-host-keys exclude each other.');
    if (input.lfsHost.length > 0 && input.clearLfsHosts) throw usageError('--lfs-host and --clear-lfs-hosts exclude each other.');
    const body = {
      name: input.name,
      hostKeys: input.scanHostKeys ? 'scan' : input.hostKeys === undefined ? undefined : await readSmallFile(input.hostKeys),
      lfsHosts: input.clearLfsHosts || input.lfsHost.length > 0 ? [...input.lfsHost] : undefined,
    };
    if (Object.values(body).every((one) => one === undefined)) throw usageError('Say what to change; see --help.');
    const endpoint = await cli.client().call(updateGitEndpoint, { params: { endpoint: input.endpoint }, body, signal: cli.signal });
    await cli.show(endpoint, () => `Endpoint ${endpoint.name} is changed.${hostKeyLines(endpoint)}`);
  },
});

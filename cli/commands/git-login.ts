import { putMyGitCredential, putTenantGitCredential } from '@sodate/contract/git-credentials.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, flag, needed, text } from '../command.ts';
import { readSmallFile } from '../read-small-file.ts';

export const gitLogin = defineCommand({
  path: 'git login',
  summary: 'Set what you sign in with at a git server, for what you do in the tenant',
  details:
    'An access token is asked for, or read from standard input; a private key is read from a file. There is no option for a token, because process lists show options. What was set before is forgotten.',
  tenant: true,
  args: { endpoint: needed('<endpoint>', 'name or id') },
  options: {
    user: text('--user <name>', 'user name at the server, where it wants one beside the token (default: git)'),
    key: text('--key <file>', 'private key without a passphrase, for SSH; no token is asked for then'),
    tokenStdin: flag('--token-stdin', 'read the token from the first line of standard input'),
    forTenant: flag('--for-tenant', 'for everybody in the tenant who has set nothing (its admins)'),
  },
  async run(input, cli) {
    const { terminal, signal } = cli;
    const params = { tenant: await cli.tenant(), endpoint: input.endpoint };
    const privateKey = input.key === undefined ? undefined : await readSmallFile(input.key);
    const token = input.tokenStdin
      ? ((await terminal.readInput(signal)).split(/\r?\n/)[0] ?? '')
      : privateKey === undefined
        ? await terminal.askSecret('Token: ', signal)
        : undefined;
    if (token === null) throw usageError('--token-stdin or --key is needed where nobody can be asked.');
    const route = input.forTenant ? putTenantGitCredential : putMyGitCredential;
    const credential = await cli.client().call(route, { params, body: { userName: input.user, token, privateKey }, signal });
    const whose = input.forTenant ? params.tenant : 'you';
    await cli.show(
      credential,
      () => `${credential.endpoint.name} will be read with the ${credential.holds.join(' and ')} of ${whose}. Nobody has tried it yet.`,
    );
  },
});

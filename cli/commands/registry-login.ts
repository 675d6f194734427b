import { putRegistryCredential } from '@sodate/contract/registries.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, flag, needed } from '../command.ts';
import { registryHost } from '../registry-host.ts';

export const registryLogin = defineCommand({
  path: 'registry login',
  summary: 'Set the user name and password with which the tenant pulls images (its admins)',
  details: 'The password is asked for, or read from standard input: there is no option for it, because process lists show options.',
  tenant: true,
  args: { registry: needed('<registry>', 'name of a registry, or HOST[:PORT] of any other one') },
  options: {
    user: needed('--user <name>', 'user name at the registry'),
    passwordStdin: flag('--password-stdin', 'read the password from the first line of standard input'),
  },
  async run(input, cli) {
    const { terminal, signal } = cli;
    const params = { tenant: await cli.tenant(), host: await registryHost(input.registry, cli) };
    const password = input.passwordStdin ? ((await terminal.readInput(signal)).split(/\r?\n/)[0] ?? '') : await terminal.askSecret('Password: ', signal);
    if (password === null) throw usageError('--password-stdin is needed where nobody can be asked.');
    const credential = await cli.client().call(putRegistryCredential, { params, body: { userName: input.user, password }, signal });
    await cli.show(credential, () => `${params.tenant} pulls images of ${credential.host} as ${credential.userName}. Nobody has tried the password yet.`);
  },
});

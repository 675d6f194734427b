import { updateUser } from '@sodate/contract/users.ts';
import { usageError } from '../cli-error.ts';
import { choice, defineCommand, flag, needed, text } from '../command.ts';

export const userEdit = defineCommand({
  path: 'user edit',
  summary: 'Change display name, rights, or whether the user may sign in (system admins)',
  args: { name: needed('<name>', 'user name') },
  options: {
    displayName: text('--display-name <text>', 'name shown to people'),
    admin: choice('--system-admin <yes|no>', 'may do everything everywhere', ['yes', 'no']),
    disable: flag('--disable', 'no longer lets the user sign in'),
    enable: flag('--enable', 'lets the user sign in again'),
  },
  async run(input, cli) {
    if (input.disable && input.enable) throw usageError('--disable and --enable exclude each other.');
    const body = {
      displayName: input.displayName,
      systemAdmin: input.admin === undefined ? undefined : input.admin === 'yes',
      disabled: input.disable || input.enable ? input.disable : undefined,
    };
    const user = await cli.client().call(updateUser, { params: { user: input.name }, body, signal: cli.signal });
    await cli.show(user, () => `User ${user.name} is changed.`);
  },
});

import { createSignInLink, createUser } from '@sodate/contract/users.ts';
import { defineCommand, flag, needed, text } from '../command.ts';
import { formatTime } from '../output/time.ts';

export const userCreate = defineCommand({
  path: 'user create',
  summary: 'Create a user and a one-time sign-in link (system admins)',
  details: 'Without --password-stdin a one-time link is printed, by which the user chooses a password.',
  args: { name: needed('<name>', 'user name') },
  options: {
    displayName: text('--display-name <text>', 'name shown to people'),
    admin: flag('--system-admin', 'may do everything everywhere'),
    passwordStdin: flag('--password-stdin', 'read the password from the first line of standard input'),
  },
  async run(input, cli) {
    const client = cli.client();
    const { signal } = cli;
    const password = input.passwordStdin ? ((await cli.terminal.readInput(cli.signal)).split(/\r?\n/)[0] ?? '') : undefined;
    const body = { name: input.name, displayName: input.displayName, systemAdmin: input.admin, password };
    const user = await client.call(createUser, { body, signal });
    const link = password === undefined ? await client.call(createSignInLink, { params: { user: user.name }, signal }) : null;
    await cli.show({ ...user, link }, () =>
      link === null ? `User ${user.name} is created.` : `User ${user.name} is created. Sign-in link, once, until ${formatTime(link.expiresAt)}:\n${link.url}`,
    );
  },
});

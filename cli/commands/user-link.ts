import { createSignInLink } from '@sodate/contract/users.ts';
import { defineCommand, needed } from '../command.ts';
import { formatTime } from '../output/time.ts';

export const userLink = defineCommand({
  path: 'user link',
  summary: 'A new one-time sign-in link for a user (system admins)',
  args: { name: needed('<name>', 'user name') },
  async run(input, cli) {
    const link = await cli.client().call(createSignInLink, { params: { user: input.name }, signal: cli.signal });
    cli.note(`Works once, until ${formatTime(link.expiresAt)}.`);
    await cli.show(link, () => link.url);
  },
});

import { isSodateError } from '@sodate/contract/errors.ts';
import { signOut } from '@sodate/contract/session.ts';
import { defineCommand } from '../command.ts';

export const logout = defineCommand({
  path: 'logout',
  summary: 'End the session and forget it',
  async run(_input, cli) {
    const { token, server, ...others } = cli.config;
    if (token === undefined || server === undefined) {
      await cli.show({ signedOut: false }, () => 'Not signed in.');
      return;
    }
    try {
      await cli.clientFor(server, token).call(signOut, { signal: cli.signal });
    } catch (error) {
      // A session that has ended already is what was wanted; any other failure leaves it alive, which must be told.
      if (!isSodateError(error) || error.code !== 'not-signed-in') {
        cli.note(`The session at ${server} could not be ended and lasts until it expires: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    const { user: _user, ...kept } = others;
    await cli.saveConfig({ server, ...kept });
    await cli.show({ signedOut: true }, () => `Signed out at ${server}.`);
  },
});

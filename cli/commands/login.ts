import { type SessionCreated, signIn, signInByLink } from '@sodate/contract/session.ts';
import type { z } from 'zod';
import type { Cli } from '../cli.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, flag, text } from '../command.ts';

export const login = defineCommand({
  path: 'login',
  summary: 'Sign in and keep the session for the next commands',
  details: `With a one-time link, the password given (or asked for) becomes yours.
The session is kept in $XDG_CONFIG_HOME/sodate/config.json, readable by you only.`,
  options: {
    user: text('--user <name>', 'user name'),
    password: text('--password <password>', 'password; better --password-stdin, which no process list shows'),
    passwordStdin: flag('--password-stdin', 'read the password from the first line of standard input'),
    link: text('--link <url>', 'one-time sign-in link'),
  },
  async run(input, cli) {
    const link = input.link === undefined ? null : readLink(input.link);
    const server = cli.serverGiven || link === null ? cli.server : link.server;
    if (link === null && input.user === undefined) throw usageError('--user <name> or --link <url> is needed.');
    const password = await readPassword(input, cli, link === null ? 'Password: ' : 'New password (at least 8 characters): ');
    const session = await signInAs(cli, server, link?.secret ?? null, input.user ?? '', password);
    await cli.saveConfig({
      server,
      user: session.me.name,
      ...(session.token === null ? {} : { token: session.token }),
      ...keptTenant(cli, server, session),
    });
    if (cli.tokenFromEnvironment) cli.note('SODATE_TOKEN is set and comes before this session. Unset it to use the session.');
    await cli.show({ server, user: session.me.name, expiresAt: session.expiresAt }, () => `Signed in at ${server} as ${session.me.name}.`);
  },
});

type Session = z.infer<typeof SessionCreated>;

function signInAs(cli: Cli, server: string, secret: string | null, name: string, password: string): Promise<Session> {
  const client = cli.clientFor(server);
  const { signal } = cli;
  return secret === null
    ? client.call(signIn, { body: { name, password, keep: 'token' }, signal })
    : client.call(signInByLink, { body: { secret, password, keep: 'token' }, signal });
}

async function readPassword(input: { password: string | undefined; passwordStdin: boolean }, cli: Cli, question: string): Promise<string> {
  if (input.password !== undefined) return input.password;
  if (input.passwordStdin) return (await cli.terminal.readInput(cli.signal)).split(/\r?\n/)[0] ?? '';
  const answer = await cli.terminal.askSecret(question, cli.signal);
  if (answer === null) throw usageError('--password-stdin or --password is needed where nobody can be asked.');
  return answer;
}

/** Signing in again keeps the tenant chosen before, as long as it is one of ours. */
function keptTenant(cli: Cli, server: string, session: Session): { tenant?: string } {
  const { tenant } = cli.config;
  const ours = session.me.systemAdmin || session.me.tenants.some((one) => one.name === tenant);
  return tenant !== undefined && cli.config.server === server && ours ? { tenant } : {};
}

/** `<server>/first-sign-in#<secret>`: behind the `#`, where no server or proxy logs it. */
function readLink(link: string): { server: string; secret: string } {
  if (!URL.canParse(link)) throw usageError('--link: this is not an address. Copy the whole link, in quotes.');
  const url = new URL(link);
  const secret = url.hash.slice(1);
  if (secret === '') throw usageError('--link: this address holds no secret behind a #. Copy the whole link, in quotes.');
  return { server: url.origin + url.pathname.replace(/\/[^/]*$/, ''), secret };
}

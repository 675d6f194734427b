import { type Client, makeClient } from '@sodate/client/make-client.ts';
import { nodeFetch } from '@sodate/client/node-fetch.ts';
import { getMe } from '@sodate/contract/session.ts';
import { listTenants } from '@sodate/contract/tenants.ts';
import { CliError } from './cli-error.ts';
import { type Config, type Environment, readConfig, settingsFrom, writeConfig } from './config-file.ts';
import type { Terminal } from './terminal.ts';

export interface GlobalOptions {
  readonly json: boolean;
  readonly server?: string | undefined;
  readonly tenant?: string | undefined;
}

/** What `main.ts` and tests provide. */
export interface Surroundings {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** What a command works with: the way to the server, the tenant, the output. Never prints secrets by itself. */
export interface Cli extends Surroundings {
  readonly json: boolean;
  readonly config: Config;
  /** `--server` was given. */
  readonly serverGiven: boolean;
  /** SODATE_TOKEN is set, which comes before the session that `login` keeps. */
  readonly tokenFromEnvironment: boolean;
  saveConfig(config: Config): Promise<void>;
  readonly server: string;
  /** A client with the caller's token, or an error that says how to sign in. */
  client(): Client;
  clientFor(server: string, token?: string): Client;
  /** The name of the tenant to work in. */
  tenant(): Promise<string>;
  /** The result: one JSON document on a line, or text for people. Called once, or once per item of a stream. */
  show(document: unknown, forPeople: () => string): Promise<void>;
  /** A remark for people, on stderr. */
  note(text: string): void;
}

export async function makeCli(surroundings: Surroundings, options: GlobalOptions): Promise<Cli> {
  const { environment, terminal, signal } = surroundings;
  const config = await readConfig(environment);
  const settings = settingsFrom(options, environment, config);

  const clientFor = (address: string, token?: string): Client => makeClient({ server: address, fetch: nodeFetch, ...credentials(token) });
  const client = (): Client => {
    const address = settings.server;
    if (settings.token !== null) return clientFor(address, settings.token);
    throw new CliError(`Not signed in at ${address}. Use \`sodate login --server ${address} --user NAME\`, or set SODATE_TOKEN.`);
  };

  return {
    ...surroundings,
    json: options.json,
    config,
    serverGiven: options.server !== undefined,
    tokenFromEnvironment: settings.tokenFromEnvironment,
    saveConfig: (next) => writeConfig(environment, next),
    server: settings.server,
    client,
    clientFor,
    async tenant() {
      if (settings.tenant !== null) return settings.tenant;
      const me = await client().call(getMe, { signal });
      // A system admin works everywhere, also without being a member.
      const everywhere = me.systemAdmin && me.tenants.length === 0;
      const tenants = everywhere ? (await client().call(listTenants, { query: { limit: 11 }, signal })).items : me.tenants;
      if (tenants.length === 1 && tenants[0] !== undefined) return tenants[0].name;
      const names = tenants
        .slice(0, 10)
        .map((tenant) => tenant.name)
        .join(', ');
      throw new CliError(
        tenants.length === 0
          ? me.systemAdmin
            ? 'There is no tenant yet. Make one with `sodate tenant create NAME`.'
            : 'You are in no tenant. Ask an administrator to add you, or name one with --tenant.'
          : `You work in several tenants: ${names}. Choose with --tenant NAME, or for good with \`sodate tenant use NAME\`.`,
      );
    },
    show: (document, forPeople) => terminal.out(`${options.json ? JSON.stringify(document ?? null) : forPeople()}\n`),
    note: (text) => terminal.err(`${text}\n`),
  };
}

/** A token is `id:secret`, as `token create` shows the two, or the secret alone. */
function credentials(token: string | undefined): { token?: string; basic?: { id: string; secret: string } } {
  if (token === undefined) return {};
  const colon = token.indexOf(':');
  return colon === -1 ? { token } : { basic: { id: token.slice(0, colon), secret: token.slice(colon + 1) } };
}

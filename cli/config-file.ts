import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CliError } from './cli-error.ts';

/** The CLI's memory between calls: where we are signed in and as whom. The only file of the CLI that reads the environment. */
const Config = z.object({
  server: z.string().optional(),
  token: z.string().optional(),
  user: z.string().optional(),
  /** The tenant chosen by `tenant use`. */
  tenant: z.string().optional(),
});
export type Config = z.infer<typeof Config>;

export type Environment = Readonly<Record<string, string | undefined>>;

// oxlint-disable-next-line node/no-process-env -- the one place
export const processEnvironment = (): Environment => process.env;

/** Where `./sodate up` listens unless told otherwise. */
const DEFAULT_SERVER = 'http://127.0.0.1:7363';

export interface Settings {
  readonly server: string;
  readonly token: string | null;
  readonly tenant: string | null;
  /** The token comes from SODATE_TOKEN, not from `login`. */
  readonly tokenFromEnvironment: boolean;
}

export const configPath = (environment: Environment): string => join(ownFolder(environment, 'XDG_CONFIG_HOME', '.config'), 'config.json');

/** For what can be removed at any time. */
export const cachePath = (environment: Environment): string => ownFolder(environment, 'XDG_CACHE_HOME', '.cache');

function ownFolder(environment: Environment, variable: string, inHome: string): string {
  const base = environment[variable];
  return join(base === undefined || base === '' ? join(environment['HOME'] ?? homedir(), inHome) : base, 'sodate');
}

export async function readConfig(environment: Environment): Promise<Config> {
  const path = configPath(environment);
  try {
    return Config.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new CliError(`${path} is not a configuration of this program. Remove it and sign in again with \`sodate login\`.`);
    }
    throw error;
  }
}

/** Readable by nobody else at any moment, and after a crash either the old or the new content. */
export async function writeConfig(environment: Environment, config: Config): Promise<void> {
  const path = configPath(environment);
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const next = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(next, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(config, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}

/**
 * Options before environment before file. The file's token and tenant belong to the file's server and are never used with
 * another: a secret must not go where it was not made.
 */
export function settingsFrom(options: { server?: string | undefined; tenant?: string | undefined }, environment: Environment, config: Config): Settings {
  const fromEnvironment = (name: string): string | undefined => environment[name] || undefined;
  const server = normalServer(options.server ?? fromEnvironment('SODATE_SERVER') ?? config.server ?? DEFAULT_SERVER);
  const own = config.server !== undefined && server === normalServer(config.server) ? config : {};
  const token = fromEnvironment('SODATE_TOKEN');
  return {
    server,
    token: token ?? own.token ?? null,
    tenant: options.tenant ?? fromEnvironment('SODATE_TENANT') ?? own.tenant ?? null,
    tokenFromEnvironment: token !== undefined,
  };
}

export function normalServer(server: string): string {
  const address = /^https?:\/\//i.test(server) ? server : `http://${server}`;
  if (!URL.canParse(address)) throw new CliError(`${server} is not an address. It looks like http://host:port.`, 2);
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') throw new CliError('An address must not hold a name or password. Use --user and --password-stdin.', 2);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

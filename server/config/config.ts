import { Secret } from '#config/secret.ts';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));
/** Anything else would be taken for a database of that name on this machine. */
const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
  .transform((value) => new Secret(value));
const port = z.coerce.number().int().min(0).max(65_535);
const absolute = z.string().refine((value) => path.isAbsolute(value), 'must be an absolute path');
const httpUrl = z
  .url({ protocol: /^https?$/ })
  .refine((value) => new URL(value).pathname === '/', 'must have no path')
  .transform((value) => new URL(value).origin);

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Every setting of the server: one environment variable each. docs/config.md is generated from this. */
export const SETTINGS = {
  SODATE_HOME: absolute
    .default(() => path.join(homedir(), '.sodate'))
    .describe('Everything Sodate keeps on this machine: database, files, runs, keys. Default: ~/.sodate'),
  SODATE_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on. Default: 127.0.0.1, this machine only'),
  SODATE_PORT: port.default(7363).describe('Port to listen on; 0 chooses a free one. Default: 7363'),
  SODATE_PUBLIC_URL: httpUrl
    .optional()
    .describe('The address under which people open the platform, such as https://sodate.example.org, when it is not the one it listens on'),
  DATABASE_URL: postgresUrl.optional().describe('PostgreSQL 15 or newer to use. Without it an embedded one is started in the home'),
  SODATE_ADMIN_PASSWORD: secret
    .optional()
    .describe('For unattended first starts: makes the user admin with this password. Without it a one-time link is printed'),
  SODATE_GIT_ROOT: absolute.optional().describe('Folder below which a system admin may register local git repositories. Default: git/ in the home'),
  SODATE_NODE_NAME: z.string().min(1).max(255).optional().describe('Name of this machine in lists. Default: its host name'),
  SODATE_ISOLATION: z
    .enum(['auto', 'bubblewrap', 'unshare', 'none'])
    .default('auto')
    .describe('How jobs of the local process executor are kept apart. auto takes the best there is'),
  SODATE_VISIBLE_PATHS: z
    .string()
    .default('')
    .transform((value) => value.split(':').filter((part) => part !== ''))
    .pipe(z.array(absolute))
    .describe('Further folders that jobs of the local process executor may read, separated by colons'),
  SODATE_TIME_ZONE: z
    .string()
    .default(() => Intl.DateTimeFormat().resolvedOptions().timeZone)
    .refine((value) => isTimeZone(value), 'must be a time zone such as Asia/Tokyo')
    .describe('Time zone of schedules and of local times, such as Asia/Tokyo. Default: that of the machine'),
  SODATE_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info').describe('How much the server logs. Default: info'),
} as const;

const ConfigSchema = z.object(SETTINGS);

export interface Config {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | null;
  readonly databaseUrl: Secret | null;
  readonly adminPassword: Secret | null;
  readonly gitRoot: string;
  readonly nodeName: string | null;
  readonly isolation: 'auto' | 'bubblewrap' | 'unshare' | 'none';
  readonly visiblePaths: readonly string[];
  readonly timeZone: string;
  readonly logLevel: string;
}

/** A setting is wrong; the text names it and says what it should be. */
export class ConfigError extends Error {}

/** Reads the settings from an environment. @throws ConfigError */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, environment[name] === '' ? undefined : environment[name]]));
  const parsed = ConfigSchema.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'));
  }
  const settings = parsed.data;
  return {
    home: settings.SODATE_HOME,
    host: settings.SODATE_HOST,
    port: settings.SODATE_PORT,
    publicUrl: settings.SODATE_PUBLIC_URL ?? null,
    databaseUrl: settings.DATABASE_URL ?? null,
    adminPassword: settings.SODATE_ADMIN_PASSWORD ?? null,
    gitRoot: settings.SODATE_GIT_ROOT ?? path.join(settings.SODATE_HOME, 'git', 'repositories'),
    nodeName: settings.SODATE_NODE_NAME ?? null,
    isolation: settings.SODATE_ISOLATION,
    visiblePaths: settings.SODATE_VISIBLE_PATHS,
    timeZone: settings.SODATE_TIME_ZONE,
    logLevel: settings.SODATE_LOG_LEVEL,
  };
}

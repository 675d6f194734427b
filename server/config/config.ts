import { Secret } from '#config/secret.ts';
import type { ObjectStoreSettings } from '#kit/object-store/open-object-store.ts';
import { isIP } from 'node:net';
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

const addresses = z
  .string()
  .transform((value) => value.split(',').map((each) => each.trim()))
  .refine((each) => each.every(isAddressOrNetwork), 'must be IP addresses, or networks such as 10.1.2.0/24, separated by commas');

function isAddressOrNetwork(text: string): boolean {
  const [address = '', length, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return length === undefined || (/^[0-9]{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128));
}

/** Metadata services of clouds answer at link-local addresses; nothing of ours ever asks one. */
const s3Endpoint = httpUrl.refine((value) => !/^(169\.254\.|\[?fe80:|\[?fd00:ec2:)/i.test(new URL(value).hostname), 'must not be a link-local address');

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
  SODATE_TRUSTED_PROXIES: addresses
    .optional()
    .describe(
      'Addresses or networks of the proxies in front, such as 127.0.0.1 or 10.1.2.0/24, separated by commas. What they say in X-Forwarded-For is believed: by it wrong passwords are counted for each client, not for all that come through the proxy',
    ),
  SODATE_CONTENT_HOST: z
    .string()
    .toLowerCase()
    .regex(/^(?=.{1,200}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/, 'must be a host name of at least two parts, without a port')
    .optional()
    .describe(
      'Host name whose subdomains all lead here, such as run.sodate.example.org: below it pages that jobs wrote are shown, apart from the platform. Without it that works on this machine only, below run.localhost',
    ),
  DATABASE_URL: postgresUrl.optional().describe('PostgreSQL 15 or newer to use. Without it an embedded one is started in the home'),
  SODATE_ADMIN_PASSWORD: secret
    .optional()
    .describe('For unattended first starts: makes the user admin with this password. Without it a one-time link is printed'),
  SODATE_GIT_ROOT: absolute.optional().describe('Folder below which a system admin may register local git repositories. Default: git/repositories in the home'),
  SODATE_GIT_BUDGET_GB: z.coerce
    .number()
    .positive()
    .default(50)
    .describe(
      'Gigabytes that copies of repositories (mirrors and checkouts) may take; above it those that are not in use and were not used for longest are removed. Default: 50',
    ),
  SODATE_NODE_NAME: z.string().min(1).max(255).optional().describe('Name of this machine in lists. Default: its host name'),
  SODATE_EXECUTORS: z
    .string()
    .default('auto')
    .transform((value) => value.split(',').map((part) => part.trim()))
    .refine(
      (names) => names.length > 0 && names.every((name) => ['auto', 'local', 'docker'].includes(name)),
      'must be auto, or local, docker or both, separated by a comma',
    )
    .describe('Where runs execute: local (processes of this machine), docker (containers), or both. auto: local, and docker where its engine is there'),
  DOCKER_HOST: z.string().default('unix:///var/run/docker.sock').describe('Address of the Docker engine of this machine. Default: unix:///var/run/docker.sock'),
  SODATE_DOCKER_NETWORKS: z
    .string()
    .regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, 'must be an IPv4 network such as 10.231.0.0/16')
    .default('10.231.0.0/16')
    .describe('Addresses from which each tenant gets a network for its containers, 256 at a time. Default: 10.231.0.0/16'),
  SODATE_DOCKER_DENY: z
    .enum(['link-local', 'private'])
    .default('link-local')
    .describe('What containers may not reach besides this machine and other tenants: link-local (metadata services), or private (all private networks too)'),
  SODATE_DOCKER_ALLOW: z
    .string()
    .default('')
    .transform((value) => value.split(',').filter((part) => part !== ''))
    .describe('Networks that containers may reach although SODATE_DOCKER_DENY closes them, such as 10.1.2.0/24, separated by commas'),
  SODATE_IMAGE_BUDGET_GB: z.coerce
    .number()
    .positive()
    .default(100)
    .describe('Gigabytes that images pulled for runs may take; above it those not used for longest are removed. Default: 100'),
  SODATE_JOB_PORT: port
    .refine((value) => value > 0, 'must be from 1 to 65535, since jobs are told of it')
    .default(7364)
    .describe('Port at which containers reach the platform, on the addresses of their own networks only. Default: 7364'),
  SODATE_S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .optional()
    .describe('Keeps the files of data in this S3 bucket, where nobody else may write below SODATE_S3_PREFIX. Without it they are kept in the home'),
  SODATE_S3_ENDPOINT: s3Endpoint.optional().describe("Address of the S3 service, such as https://minio.example.org:9000. Default: Amazon's of the region"),
  SODATE_S3_REGION: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'must be a region such as eu-central-1')
    .default('us-east-1')
    .describe('Region of the bucket. Default: us-east-1'),
  SODATE_S3_PREFIX: z
    .string()
    .max(200)
    .regex(/^([A-Za-z0-9._-]+\/)*[A-Za-z0-9._-]*$/, 'must be folders of letters, digits, . _ - joined by /')
    .refine((value) => !value.split('/').some((folder) => folder === '.' || folder === '..'), 'must not have . or .. in it')
    .default('')
    .transform((value) => (value === '' || value.endsWith('/') ? value : `${value}/`))
    .describe('What every key in the bucket begins with, such as sodate/, when the bucket holds other things too. Default: nothing'),
  SODATE_S3_ACCESS_KEY_ID: z.string().min(1).max(128).optional().describe('Access key for the bucket. No other source of credentials is looked at'),
  SODATE_S3_SECRET_ACCESS_KEY: secret.optional().describe('The secret that belongs to SODATE_S3_ACCESS_KEY_ID'),
  SODATE_S3_PATH_STYLE: z
    .enum(['auto', 'true', 'false'])
    .default('auto')
    .describe('Whether the bucket stands in the path instead of the host name. Default: auto, which is true where SODATE_S3_ENDPOINT is set'),
  SODATE_S3_PUBLIC_ENDPOINT: s3Endpoint
    .optional()
    .describe(
      'Address of the S3 service as clients reach it: they then send and fetch files there, by signed addresses. Without it all goes through the platform',
    ),
  SODATE_OBJECT_CACHE_GB: z.coerce
    .number()
    .positive()
    .default(100)
    .describe(
      'Gigabytes that files fetched from S3 may take on this machine; above it those that no staged data set has and that were not used for longest are removed. Default: 100',
    ),
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
  NODE_EXTRA_CA_CERTS: z
    .string()
    .optional()
    .describe('File with the certificates (PEM) of authorities of your own, which git servers, registries and S3 may show beside those known to the system'),
  SODATE_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info').describe('How much the server logs. Default: info'),
} as const;

const ConfigSchema = z.object(SETTINGS);

export interface Config {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | null;
  readonly trustedProxies: readonly string[];
  readonly contentHost: string | null;
  readonly databaseUrl: Secret | null;
  readonly adminPassword: Secret | null;
  readonly gitRoot: string;
  readonly gitBudgetBytes: number;
  readonly nodeName: string | null;
  readonly executors: readonly string[];
  readonly docker: {
    readonly host: string;
    readonly networks: string;
    readonly deny: 'link-local' | 'private';
    readonly allow: readonly string[];
    readonly imageBudgetBytes: number;
  };
  readonly jobPort: number;
  readonly objectStore: ObjectStoreSettings;
  readonly isolation: 'auto' | 'bubblewrap' | 'unshare' | 'none';
  readonly visiblePaths: readonly string[];
  readonly timeZone: string;
  /** Node has read it at its start; git is handed it. */
  readonly extraAuthorities: string | null;
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
  const publicHost = settings.SODATE_PUBLIC_URL === undefined ? null : new URL(settings.SODATE_PUBLIC_URL).hostname;
  for (const contentHost of [settings.SODATE_CONTENT_HOST ?? null, 'run.localhost'])
    if (contentHost !== null && publicHost !== null && (publicHost === contentHost || publicHost.endsWith(`.${contentHost}`)))
      throw new ConfigError(`SODATE_PUBLIC_URL: must not be ${contentHost} nor below it: there pages that jobs wrote are shown, apart from the platform`);
  return {
    home: settings.SODATE_HOME,
    host: settings.SODATE_HOST,
    port: settings.SODATE_PORT,
    publicUrl: settings.SODATE_PUBLIC_URL ?? null,
    trustedProxies: settings.SODATE_TRUSTED_PROXIES ?? [],
    contentHost: settings.SODATE_CONTENT_HOST ?? null,
    databaseUrl: settings.DATABASE_URL ?? null,
    adminPassword: settings.SODATE_ADMIN_PASSWORD ?? null,
    gitRoot: settings.SODATE_GIT_ROOT ?? path.join(settings.SODATE_HOME, 'git', 'repositories'),
    gitBudgetBytes: settings.SODATE_GIT_BUDGET_GB * 1e9,
    nodeName: settings.SODATE_NODE_NAME ?? null,
    executors: settings.SODATE_EXECUTORS,
    docker: {
      host: settings.DOCKER_HOST,
      networks: settings.SODATE_DOCKER_NETWORKS,
      deny: settings.SODATE_DOCKER_DENY,
      allow: settings.SODATE_DOCKER_ALLOW,
      imageBudgetBytes: settings.SODATE_IMAGE_BUDGET_GB * 1e9,
    },
    jobPort: settings.SODATE_JOB_PORT,
    objectStore: objectStoreOf(settings),
    isolation: settings.SODATE_ISOLATION,
    visiblePaths: settings.SODATE_VISIBLE_PATHS,
    timeZone: settings.SODATE_TIME_ZONE,
    extraAuthorities: settings.NODE_EXTRA_CA_CERTS === undefined ? null : path.resolve(settings.NODE_EXTRA_CA_CERTS),
    logLevel: settings.SODATE_LOG_LEVEL,
  };
}

/** @throws ConfigError when some of the settings of S3 are there and others are missing */
function objectStoreOf(settings: z.output<typeof ConfigSchema>): ObjectStoreSettings {
  const { SODATE_S3_BUCKET: bucket, SODATE_S3_ACCESS_KEY_ID: accessKeyId, SODATE_S3_SECRET_ACCESS_KEY: secretAccessKey } = settings;
  if (bucket === undefined) {
    const idle = (['SODATE_S3_ENDPOINT', 'SODATE_S3_ACCESS_KEY_ID', 'SODATE_S3_SECRET_ACCESS_KEY', 'SODATE_S3_PUBLIC_ENDPOINT'] as const).find(
      (name) => settings[name] !== undefined,
    );
    if (idle !== undefined) throw new ConfigError(`SODATE_S3_BUCKET: must be set too, because ${idle} is. To keep files in the home, unset all SODATE_S3_….`);
    return { kind: 'file-system' };
  }
  if (accessKeyId === undefined) throw new ConfigError('SODATE_S3_ACCESS_KEY_ID: must be set too, because SODATE_S3_BUCKET is');
  if (secretAccessKey === undefined) throw new ConfigError('SODATE_S3_SECRET_ACCESS_KEY: must be set too, because SODATE_S3_BUCKET is');
  const { SODATE_S3_ENDPOINT: endpoint, SODATE_S3_REGION: region, SODATE_S3_PATH_STYLE: pathStyle } = settings;
  return {
    kind: 's3',
    cacheBytes: settings.SODATE_OBJECT_CACHE_GB * 1e9,
    s3: {
      endpoint: endpoint ?? `https://s3.${region}.amazonaws.com`,
      region,
      bucket,
      prefix: settings.SODATE_S3_PREFIX,
      accessKeyId,
      secretAccessKey,
      pathStyle: pathStyle === 'auto' ? endpoint !== undefined : pathStyle === 'true',
      publicEndpoint: settings.SODATE_S3_PUBLIC_ENDPOINT ?? null,
    },
  };
}

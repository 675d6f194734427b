import type { Executor, RegistryCredential } from '#executors/executor.ts';
import type { ExecutorRegistry } from '#executors/executor-registry.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import type { Log } from '#kit/log.ts';
import type { LogFollowers } from '#runs/follow-logs.ts';
import type { RunKind } from '#runs/run-kind.ts';
import type { RunFolders } from '#staging/run-folders.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

/** What the run engine works with. Everything is handed in; nothing in `runs` knows a kind or an executor by name. */
export interface EngineParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** This server, the same after a restart: what it had leased it takes up again at once. */
  readonly server: string;
  readonly executors: ExecutorRegistry;
  readonly kinds: readonly RunKind[];
  readonly changes: Pick<ChangeFeed, 'publish'>;
  readonly folders: RunFolders;
  readonly attemptToken: (attempt: string) => string;
  /** Where jobs of an executor reach the platform. */
  readonly serverUrl: (executor: Pick<Executor, 'capabilities'>) => string;
  /** What a tenant has for the registry of an image; null where it has nothing. */
  readonly registryCredential: (tenant: TenantId, image: string) => Promise<RegistryCredential | null>;
  /** Brings the logs of engines that keep them into our files. */
  readonly logFollowers: LogFollowers;
  readonly version: string;
  readonly limits: EngineLimits;
}

export interface EngineLimits {
  /** How long a claim on a run holds when its server does not renew it. */
  readonly leaseMs: number;
  /** Attempts that each executor stages and starts at the same time. */
  readonly launchesAtOnce: number;
  /** Every attempt that runs is asked after at least this often. */
  readonly watchEveryMs: number;
  /** Groups of alike runs (tenant, partition, shape) that one scheduling pass looks at, and runs of each. */
  readonly queueGroups: number;
  readonly headsPerGroup: number;
  /** A head that has waited this long gets a node reserved. */
  readonly reserveAfterMs: number;
  /** An attempt that is in the engine and in no row is removed when it was seen for this long. */
  readonly orphanGraceMs: number;
  /** Before a failed attempt is tried again by itself, doubled with each try of its class. */
  readonly retryDelayMs: number;
}

export const ENGINE_LIMITS: EngineLimits = {
  leaseMs: 30_000,
  launchesAtOnce: 16,
  watchEveryMs: 1_000,
  queueGroups: 512,
  headsPerGroup: 64,
  reserveAfterMs: 600_000,
  orphanGraceMs: 60_000,
  retryDelayMs: 1_000,
};

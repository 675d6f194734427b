import { mkdir } from 'node:fs/promises';
import { type Adopted, adoptPostmaster } from './adopt-postmaster.ts';
import type { PostgresIdentity } from './choose-identity.ts';
import { endLeftovers, removeStaleLock } from './clear-stale-lock.ts';
import { askPostgres, connectionTo } from './connect-postgres.ts';
import type { Host } from './find-binaries.ts';
import { initialiseCluster, inspectCluster } from './initialise-cluster.ts';
import { launchPostmaster } from './launch-postmaster.ts';
import { PostgresError } from './postgres-error.ts';
import { MAXIMUM_LOG_BYTES, boundLog, logFileOf, type PostgresLog } from './postgres-log.ts';
import type { PostgresSettings } from './postgres-settings.ts';
import type { PostgresTiming } from './postgres-timing.ts';
import { preparePostgresTools } from './prepare-tools.ts';
import { prepareSocketFolder } from './socket-folder.ts';
import { withStartLock } from './start-lock.ts';

export interface BringUp {
  readonly folder: string;
  readonly dataFolder: string;
  readonly socketFolder: string;
  readonly log: PostgresLog;
  readonly settings: PostgresSettings;
  readonly timing: PostgresTiming;
  readonly host: Host;
  readonly allowsIdentity?: (identity: PostgresIdentity) => boolean;
}

export interface BroughtUp extends Adopted {
  readonly how: 'initialised' | 'started' | 'adopted';
}

/** From whatever state the folder is in to a database that answers; the first start and every restart go this way. */
export function bringUpPostgres(wanted: BringUp): Promise<BroughtUp> {
  return withStartLock(wanted.folder, wanted.timing.lockWithinMilliseconds, async () => {
    const { dataFolder, socketFolder, log, timing } = wanted;
    const adopted = await adoptPostmaster(dataFolder, socketFolder, log, timing);
    return adopted === undefined ? await launchAfresh(wanted) : { ...adopted, how: 'adopted' };
  });
}

async function launchAfresh(wanted: BringUp): Promise<BroughtUp> {
  const { folder, dataFolder, socketFolder, log, settings, timing, host, allowsIdentity } = wanted;
  const tools = await preparePostgresTools({ folder, dataFolder, host, ...(allowsIdentity === undefined ? {} : { allows: allowsIdentity }) });
  const how = (await inspectCluster(dataFolder, tools.majorVersion)) === 'missing' ? 'initialised' : 'started';
  await prepareSocketFolder(socketFolder, tools.identity.kind === 'other-user' ? tools.identity : undefined);
  if (how === 'initialised') await initialiseCluster(folder, dataFolder, tools, settings.durable);

  const connection = await connectionTo(dataFolder, socketFolder);
  await endLeftovers(dataFolder, timing);
  // The process table shows only our own container. A socket works across containers that share the folder, and two servers on one data folder would destroy it.
  if ((await askPostgres(connection)) !== 'unreachable') {
    throw new PostgresError(
      'busy',
      `A PostgreSQL that this process cannot see, probably in another container, serves ${dataFolder}. Stop it there, or choose another SODATE_HOME.`,
    );
  }
  await removeStaleLock(dataFolder, socketFolder, log);
  const logFile = logFileOf(folder);
  await boundLog(logFile, MAXIMUM_LOG_BYTES);
  const pid = await launchPostmaster({ dataFolder, connection, logFile, settings, tools, timing });
  return { pid, connection, how };
}

export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

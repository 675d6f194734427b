import { realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bringUpPostgres, makeFolder } from './bring-up-postgres.ts';
import type { PostgresIdentity } from './choose-identity.ts';
import { endLeftovers, removeStaleLock } from './clear-stale-lock.ts';
import { type PostgresConnection, askPostgres, connectionTo } from './connect-postgres.ts';
import { clusterVersion } from './initialise-cluster.ts';
import { MAXIMUM_LOG_BYTES, boundLog, logFileOf, type PostgresLog } from './postgres-log.ts';
import { DEFAULT_SETTINGS, type PostgresSettings } from './postgres-settings.ts';
import { DEFAULT_TIMING, type PostgresTiming } from './postgres-timing.ts';
import { readPostmaster } from './read-postmaster.ts';
import { socketFolderFor } from './socket-folder.ts';
import { withStartLock } from './start-lock.ts';
import { stopPostmaster } from './stop-postmaster.ts';
import { type PostgresEvent, PostmasterSupervision } from './supervise-postmaster.ts';

export type { PostgresConnection, PostgresEvent, PostgresLog };

/**
 * The embedded PostgreSQL: a real server from an npm package, for installations that bring none of their own. It listens on a Unix
 * socket in its own folder and nowhere else, with a password, and needs neither root nor a particular user.
 *
 * It promises that whatever was killed before (this process, the postmaster, both, an initialisation half-way), the next start ends with one postmaster on the folder
 * and every acknowledged transaction in it; and that a postmaster which dies while we live is started again.
 * The postmaster outlives a killed owner on purpose: the next start adopts it within tens of milliseconds.
 * It never touches a data folder it did not make, and never starts a second postmaster on one.
 */
export interface EmbeddedPostgres {
  readonly connection: PostgresConnection;
  readonly how: 'initialised' | 'started' | 'adopted';
  /** Of the postmaster that serves now; another one after a restart. */
  pid(): number;
  /** Fast shutdown; resolves when the postmaster is gone. Other servers on the same folder lose their database too. */
  stop(): Promise<void>;
  /** Ends supervision and leaves the postmaster for the next owner. */
  release(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** For nothing but this database; created when missing. */
  readonly folder: string;
  readonly log: PostgresLog;
  readonly onEvent?: (event: PostgresEvent) => void;
  readonly settings?: Partial<PostgresSettings>;
  readonly timing?: Partial<PostgresTiming>;
  readonly temporaryFolder?: string;
  readonly host?: { readonly platform: string; readonly cpu: string };
  /** Which of the ways to run PostgreSQL may be used; all by default. */
  readonly allowsIdentity?: (identity: PostgresIdentity) => boolean;
}

export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, onEvent = () => undefined } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const settings = { ...DEFAULT_SETTINGS, ...options.settings };
  const host = options.host ?? { platform: process.platform, cpu: process.arch };
  await makeFolder(options.folder);
  const folder = await realpath(options.folder);
  const dataFolder = dataFolderOf(folder);
  const socketFolder = socketFolderFor(folder, options.temporaryFolder ?? tmpdir(), host.platform);
  if (socketFolder !== folder)
    log.info({ folder, socketFolder }, 'The path of the database folder is too long for a Unix socket; its socket is in the temporary folder');

  const wanted = {
    folder,
    dataFolder,
    socketFolder,
    log,
    settings,
    timing,
    host,
    ...(options.allowsIdentity === undefined ? {} : { allowsIdentity: options.allowsIdentity }),
  };
  const first = await bringUpPostgres(wanted);
  const { connection, how } = first;
  log.info({ pid: first.pid, how, socketFolder: connection.host }, `The embedded PostgreSQL is ready (${how})`);

  const supervision = new PostmasterSupervision({
    pid: first.pid,
    // An adopted postmaster may have its socket elsewhere (another TMPDIR then); pools keep the address they were given.
    bringUp: () => bringUpPostgres({ ...wanted, socketFolder: connection.host }),
    onEvent,
    onLook: () => boundLog(logFileOf(folder), MAXIMUM_LOG_BYTES),
    log,
    timing,
  });
  return {
    connection,
    how,
    pid: () => supervision.pid,
    stop: async () => {
      await supervision.stop();
      await stopEmbeddedPostgres(folder, log, timing);
    },
    release: () => supervision.stop(),
  };
}

/** For `down` when only the postmaster is left, and the last step of every stop. */
export async function stopEmbeddedPostgres(folder: string, log: PostgresLog, timing: PostgresTiming = DEFAULT_TIMING): Promise<'stopped' | 'was-not-running'> {
  const place = await realpath(folder).catch(() => undefined);
  if (place === undefined) return 'was-not-running';
  return await withStartLock(place, timing.lockWithinMilliseconds, async () => {
    const dataFolder = dataFolderOf(place);
    const found = readPostmaster(dataFolder);
    const how = found.is === 'running' ? await stopPostmaster(found.pid, timing) : 'was-not-running';
    await endLeftovers(dataFolder, timing);
    if (found.is === 'running' && how === 'killed') await removeStaleLock(dataFolder, found.socketFolder ?? place, log);
    return found.is === 'running' ? 'stopped' : 'was-not-running';
  });
}

export interface EmbeddedPostgresDescription {
  /** `not-initialised`: there is no database yet. `not-answering`: a postmaster lives but lets nobody in now. */
  readonly state: 'not-initialised' | 'stopped' | 'running' | 'not-answering';
  readonly pid?: number;
  readonly majorVersion?: string;
  readonly dataFolder: string;
  readonly socketFolder?: string;
  readonly logFile: string;
}

/** For `status` and `doctor`. Only looks: takes no lock, changes nothing. */
export async function describeEmbeddedPostgres(folder: string): Promise<EmbeddedPostgresDescription> {
  const dataFolder = dataFolderOf(folder);
  const majorVersion = await clusterVersion(dataFolder);
  const places = { dataFolder, logFile: logFileOf(folder) };
  if (majorVersion === undefined) return { state: 'not-initialised', ...places };
  const found = readPostmaster(dataFolder);
  if (found.is !== 'running') return { state: 'stopped', majorVersion, ...places };
  const socketFolder = found.socketFolder ?? folder;
  const answer = await connectionTo(dataFolder, socketFolder)
    .then(askPostgres)
    .catch(() => 'unreachable' as const);
  return { state: answer === 'ready' ? 'running' : 'not-answering', pid: found.pid, majorVersion, socketFolder, ...places };
}

const dataFolderOf = (folder: string) => join(folder, 'data');

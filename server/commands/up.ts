import { findUnfinishedRestore } from '#backup/backup.ts';
import { CommandError } from '#commands/command-error.ts';
import { makeExecutors } from '#commands/make-executors.ts';
import { readyText } from '#commands/ready-text.ts';
import { explainStartTrouble } from '#commands/start-trouble.ts';
import { findRunningServer, processStart, removeServerRecord, writeServerRecord } from '#commands/server-record.ts';
import { compose, type WorkerFiles } from '#compose.ts';
import type { Config } from '#config/config.ts';
import { systemClock } from '#kit/clock.ts';
import type { DatabaseAddress } from '#kit/db/open-database.ts';
import { holdServerLock } from '#kit/db/hold-server-lock.ts';
import { openHome } from '#kit/home.ts';
import { VERSION } from '#kit/version.ts';
import { startEmbeddedPostgres } from '#postgres/postgres.ts';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { type Logger, pino } from 'pino';

export interface ProgramFiles {
  readonly migrations: string;
  readonly webFolder: string;
  readonly workers?: WorkerFiles;
}

/** How long a foreign database may take to answer at the start. */
const DATABASE_PATIENCE_MS = 10_000;

/**
 * Runs the server until it is told to end. TERM and INT end it and the embedded database; jobs go on, and the next start
 * takes them up.
 */
export async function up(config: Config, files: ProgramFiles): Promise<void> {
  const running = await findRunningServer(config.home);
  if (running !== null) throw alreadyRunning(config.home, running.url, running.pid);
  const unfinished = findUnfinishedRestore(config.home);
  if (unfinished !== null) throw new CommandError(unfinished);
  const logger = pino({ level: config.logLevel, base: null }, pino.destination(2));
  const ending = new Promise<string>((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    process.once('SIGHUP', () => resolve('SIGHUP'));
  });
  // What has been begun, last first, for a start that fails half-way: it must leave neither a process nor a lock.
  const begun: (() => Promise<void>)[] = [];
  try {
    await serve(config, files, logger, begun);
  } catch (error) {
    for (const undo of begun.toReversed()) await undo().catch(() => {});
    throw explainStartTrouble(error, config.home);
  }
  logger.info({ signal: await ending }, 'ending; jobs go on');
  for (const end of begun.toReversed()) await end();
}

/** @param begun takes how to end each thing, in the order in which they were begun */
async function serve(config: Config, files: ProgramFiles, logger: Logger, begun: (() => Promise<void>)[]): Promise<void> {
  const home = await openHome(config.home);
  await mkdir(config.gitRoot, { recursive: true });
  const embedded =
    config.databaseUrl === null
      ? await startEmbeddedPostgres({ folder: path.join(config.home, 'postgres'), log: logger, onEvent: (event) => onDatabaseEvent(event, logger) })
      : null;
  const database: DatabaseAddress = embedded?.connection ?? { connectionString: config.databaseUrl?.reveal() ?? '' };
  if (embedded === null) await askDatabase(database);
  const lock = await holdServerLock(database, home.serverId, logger, (why) => {
    logger.fatal({}, `this server must end: ${why}`);
    process.exit(1);
  }).catch(async (error: unknown) => {
    // Whether another server uses the database was not learnt.
    await embedded?.release();
    throw error;
  });
  if (lock === null) {
    // The database is the other server's, too.
    await embedded?.release();
    throw alreadyRunning(config.home, null, null);
  }
  begun.push(
    async () => embedded?.stop(),
    () => lock.release(),
  );

  const platform = await compose({
    home,
    database,
    clock: systemClock,
    logger,
    publicUrl: config.publicUrl,
    trustedProxies: config.trustedProxies,
    contentHost: config.contentHost,
    adminPassword: config.adminPassword?.reveal() ?? null,
    gitRoot: config.gitRoot,
    gitBudgetBytes: config.gitBudgetBytes,
    extraAuthorities: config.extraAuthorities,
    timeZone: config.timeZone,
    objectStore: config.objectStore,
    ...files,
    jobPort: config.jobPort,
    keepsReserve: true,
    executors: (around) => makeExecutors(config, logger, around),
  });
  begun.push(() => platform.close());
  const { url, firstSignIn } = await platform.listen(config.host, config.port).catch((error: NodeJS.ErrnoException) => {
    throw listenError(error, config);
  });
  await writeServerRecord(config.home, { pid: process.pid, startedAt: processStart(process.pid), url, version: VERSION });
  // Removed at last, when nothing of this server is left: until then `down` waits, and a second start refuses.
  begun.unshift(() => removeServerRecord(config.home, process.pid));
  // After the record: whoever has read the address finds the server by `status` and `down`.
  process.stdout.write(readyText(config.publicUrl ?? url, firstSignIn));
}

function onDatabaseEvent(event: { readonly kind: string }, logger: { fatal(fields: object, text: string): void }): void {
  if (event.kind !== 'gave-up') return;
  logger.fatal({}, 'the embedded database cannot be kept running; see postgres/postgres.log in the home');
  process.exit(1);
}

function alreadyRunning(home: string, url: string | null, pid: number | null): CommandError {
  const where = url === null ? '' : ` at ${url} (process ${pid})`;
  return new CommandError(`A server already runs on the home ${home}${where}. Use it, end it with: ./sodate down, or set SODATE_HOME to another folder.`);
}

function listenError(error: NodeJS.ErrnoException, config: Config): Error {
  if (error.code === 'EADDRINUSE')
    return new CommandError(`Port ${config.port} on ${config.host} is taken by another program. Choose another: ./sodate up --port N (0 takes a free one).`);
  if (error.code === 'EACCES')
    return new CommandError(`Port ${config.port} needs more rights than this user has. Choose one above 1023: ./sodate up --port N.`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new CommandError(`${config.host} is not an address of this machine. Check SODATE_HOST.`);
  return error;
}

async function askDatabase(database: DatabaseAddress): Promise<void> {
  const client = new pg.Client({ ...database, connectionTimeoutMillis: DATABASE_PATIENCE_MS });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version_num: string }>('show server_version_num');
    const version = Math.floor(Number(rows[0]?.server_version_num) / 10_000);
    if (version < 15) throw new CommandError(`The PostgreSQL of DATABASE_URL has version ${version}; Sodate needs 15 or newer.`);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      `The database of DATABASE_URL does not answer: ${error instanceof Error ? error.message : String(error)}. Check the address, or unset DATABASE_URL to use the embedded one.`,
    );
  } finally {
    await client.end().catch(() => {});
  }
}

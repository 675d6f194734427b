import { BackupError } from '#backup/backup-error.ts';
import { makeBackup } from '#backup/backup.ts';
import { CommandError } from '#commands/command-error.ts';
import { findRunningServer } from '#commands/server-record.ts';
import type { Config } from '#config/config.ts';
import { systemClock } from '#kit/clock.ts';
import { readInstallation } from '#kit/db/installation.ts';
import { type DatabaseAddress, openDatabase } from '#kit/db/open-database.ts';
import { silentLog } from '#kit/log.ts';
import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { ObjectStoreRefused } from '#kit/object-store/object-store-refused.ts';
import { openObjectStore } from '#kit/object-store/open-object-store.ts';
import { startEmbeddedPostgres } from '#postgres/postgres.ts';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Copies everything of this installation into a folder, while its server runs or not.
 * The exit code is 1 when something could not be copied as it should be; the rest is in the backup then.
 */
export async function backup(
  config: Config,
  options: { readonly target: string | undefined; readonly incremental: string | undefined; readonly json: boolean },
): Promise<void> {
  if (!existsSync(path.join(config.home, 'key')))
    throw new CommandError(`There is nothing to back up: no server has ever run on the home ${config.home}. Set SODATE_HOME.`);
  const now = systemClock.now();
  const target = path.resolve(options.target ?? `sodate-backup-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}`);
  const earlier = options.incremental === undefined ? null : path.resolve(options.incremental);
  const database = await openForBackup(config);
  const { db, close: closeDatabase } = openDatabase(database.address, silentLog, 2);
  const began = performance.now();
  const scratch = await mkdtemp(path.join(tmpdir(), 'sodate-backup-'));
  let store: ObjectStore | null = null;
  try {
    // The home's own needs no look into the database, which may be of an older version.
    store =
      config.objectStore.kind === 'file-system'
        ? makeFileSystemObjectStore({ home: config.home })
        : await openObjectStore({
            settings: config.objectStore,
            // Not the home: the server that runs has parts there which are on their way, and a store that opens clears them away.
            home: scratch,
            db,
            installation: await readInstallation(db, now),
            clock: systemClock,
            log: silentLog,
          });
    const manifest = await makeBackup({ home: config.home, gitRoot: config.gitRoot, database: database.address, store, now }, target, earlier);
    const seconds = (performance.now() - began) / 1000;
    const { count, bytes } = manifest.files;
    const { liveRuns, troubles } = manifest;
    if (options.json) process.stdout.write(`${JSON.stringify({ target, files: count, bytes, seconds, liveRuns, troubles })}\n`);
    else {
      process.stdout.write(`${target}: ${count} files, ${(bytes / 1e6).toFixed(1)} MB, in ${seconds.toFixed(1)} s.\n`);
      if (liveRuns.length > 0)
        process.stdout.write(
          `${liveRuns.length} ${liveRuns.length === 1 ? 'run' : 'runs'} had not ended: output and log are as they were at the moment of copying.\n`,
        );
      process.stdout.write('It holds the key of the installation: whoever has it can read every password kept there.\n');
      for (const trouble of troubles) process.stderr.write(`trouble: ${trouble}\n`);
    }
    if (troubles.length > 0) process.exitCode = 1;
  } catch (error) {
    throw error instanceof BackupError || error instanceof ObjectStoreRefused ? new CommandError(error.message, { cause: error }) : error;
  } finally {
    await store?.close();
    await rm(scratch, { recursive: true, force: true });
    await closeDatabase();
    await database.close();
  }
}

/** The embedded database is adopted where it runs, and started for the time where it does not. */
async function openForBackup(config: Config): Promise<{ readonly address: DatabaseAddress; close(): Promise<void> }> {
  if (config.databaseUrl !== null) return { address: { connectionString: config.databaseUrl.reveal() }, close: async () => {} };
  const embedded = await startEmbeddedPostgres({ folder: path.join(config.home, 'postgres'), log: silentLog });
  return {
    address: embedded.connection,
    // A server may have been started meanwhile, and uses it.
    close: async () => (embedded.how === 'adopted' || (await findRunningServer(config.home)) !== null ? embedded.release() : embedded.stop()),
  };
}

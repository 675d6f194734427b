import { BackupError } from '#backup/backup-error.ts';
import { restoreBackup, verifyBackup } from '#backup/backup.ts';
import { CommandError } from '#commands/command-error.ts';
import type { ProgramFiles } from '#commands/up.ts';
import type { Config } from '#config/config.ts';
import { systemClock } from '#kit/clock.ts';
import { readInstallation } from '#kit/db/installation.ts';
import { migrate } from '#kit/db/migrate.ts';
import { type DatabaseAddress, openDatabase } from '#kit/db/open-database.ts';
import { silentLog } from '#kit/log.ts';
import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import { ObjectStoreRefused } from '#kit/object-store/object-store-refused.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { openObjectStoreToFill, type S3StoreSettings } from '#kit/object-store/open-object-store.ts';
import { START_PATIENCE } from '#kit/object-store/s3/s3-settings.ts';
import { startEmbeddedPostgres } from '#postgres/postgres.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import path from 'node:path';

/** Puts a backup into the empty home (and the bucket, if any) of the settings, or only looks whether every byte of it is there. */
export async function restore(config: Config, files: ProgramFiles, options: { readonly source: string | undefined; readonly verify: boolean }): Promise<void> {
  if (options.source === undefined) throw new CommandError('Name the folder of the backup: ./sodate restore FOLDER');
  const source = path.resolve(options.source);
  try {
    if (options.verify) {
      const { files: listed, createdAt, version } = await verifyBackup(source);
      process.stdout.write(`${source} is whole: ${listed.count} files, ${(listed.bytes / 1e6).toFixed(1)} MB, of ${createdAt}, made by Sodate ${version}.\n`);
      return;
    }
    if (config.objectStore.kind === 's3') await checkFree(config.objectStore);
    const manifest = await restoreBackup(source, {
      home: config.home,
      gitRoot: config.gitRoot,
      migrations: files.migrations,
      now: systemClock.now(),
      log: silentLog,
      openDatabase: async () => {
        if (config.databaseUrl !== null) return { address: { connectionString: config.databaseUrl.reveal() }, close: async () => {} };
        const embedded = await startEmbeddedPostgres({ folder: path.join(config.home, 'postgres'), log: silentLog });
        return { address: embedded.connection, close: () => embedded.stop() };
      },
      openStore: (address) => openStore(config, files, address),
    });
    const { objectStore } = config;
    const bucket = objectStore.kind === 's3' ? ` and in the bucket ${objectStore.s3.bucket}` : '';
    process.stdout.write(
      `${manifest.files.count} files of ${manifest.createdAt} are in ${config.home}${bucket}, each with its digest. Start the server: ./sodate up\n`,
    );
    if (manifest.liveRuns.length > 0)
      process.stdout.write(
        `${manifest.liveRuns.length} ${manifest.liveRuns.length === 1 ? 'run' : 'runs'} had not ended then; what was under way is tried again.\n`,
      );
    for (const trouble of manifest.troubles) process.stderr.write(`known since the backup was made: ${trouble}\n`);
  } catch (error) {
    throw error instanceof BackupError || error instanceof ObjectStoreRefused ? new CommandError(error.message, { cause: error }) : error;
  }
}

/** Looked at before anything is made: a restore that fails half-way must be begun anew. */
async function checkFree({ s3: settings }: S3StoreSettings): Promise<void> {
  const [{ openS3 }, { checkS3, readOwner }] = await Promise.all([import('#kit/object-store/s3/s3-connection.ts'), import('#kit/object-store/s3/check-s3.ts')]);
  const s3 = openS3(settings, systemClock, START_PATIENCE);
  try {
    await checkS3(s3);
    const owner = await readOwner(s3);
    if (owner !== null)
      throw new CommandError(
        `The bucket ${settings.bucket} holds the files of a Sodate installation (${owner}) already. Choose another bucket, or another SODATE_S3_PREFIX.`,
      );
  } catch (error) {
    if (isSodateError(error) && error.code === 'object-store-unavailable')
      throw new CommandError(`The object store cannot be used: ${error.params['reason']}. Check the settings SODATE_S3_…, or run: ./sodate doctor`);
    throw error;
  } finally {
    s3.close();
  }
}

async function openStore(config: Config, { migrations, workers }: ProgramFiles, address: DatabaseAddress): Promise<ObjectStore> {
  const options = { home: config.home, ...(workers ? { workers: { hash: workers.hash, link: workers.link } } : {}) };
  if (config.objectStore.kind === 'file-system') return makeFileSystemObjectStore(options);
  const { db, pool, close } = openDatabase(address, silentLog, 2);
  try {
    const now = systemClock.now();
    // Which bucket the files are in stands in a row that older versions do not have.
    await migrate(pool, migrations, now, silentLog);
    const installation = await readInstallation(db, now);
    return await openObjectStoreToFill({ ...options, settings: config.objectStore, db, installation, clock: systemClock, log: silentLog });
  } finally {
    await close();
  }
}

import { BackupError } from '#backup/backup-error.ts';
import { restoreBackup, verifyBackup } from '#backup/backup.ts';
import { CommandError } from '#commands/command-error.ts';
import type { ProgramFiles } from '#commands/up.ts';
import type { Config } from '#config/config.ts';
import { systemClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import { makeFileSystemObjectStore } from '#kit/object-store/file-system-object-store.ts';
import { startEmbeddedPostgres } from '#postgres/postgres.ts';
import path from 'node:path';

/** Puts a backup into the empty home of the settings, or only looks whether every byte of it is there. */
export async function restore(config: Config, files: ProgramFiles, options: { readonly source: string | undefined; readonly verify: boolean }): Promise<void> {
  if (options.source === undefined) throw new CommandError('Name the folder of the backup: ./sodate restore FOLDER');
  const source = path.resolve(options.source);
  try {
    if (options.verify) {
      const { files: listed, createdAt, version } = await verifyBackup(source);
      process.stdout.write(`${source} is whole: ${listed.count} files, ${(listed.bytes / 1e6).toFixed(1)} MB, of ${createdAt}, made by Sodate ${version}.\n`);
      return;
    }
    if (config.objectStore.kind === 's3')
      throw new CommandError(
        'A restore puts the files of data into the home. Unset SODATE_S3_BUCKET, then restore; a store that holds files cannot be changed afterwards.',
      );
    const { workers } = files;
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
      openStore: () => makeFileSystemObjectStore({ home: config.home, ...(workers ? { workers: { hash: workers.hash, link: workers.link } } : {}) }),
    });
    process.stdout.write(`${manifest.files.count} files of ${manifest.createdAt} are in ${config.home}, each with its digest. Start the server: ./sodate up\n`);
    if (manifest.liveRuns.length > 0)
      process.stdout.write(
        `${manifest.liveRuns.length} ${manifest.liveRuns.length === 1 ? 'run' : 'runs'} had not ended then; what was under way is tried again.\n`,
      );
    for (const trouble of manifest.troubles) process.stderr.write(`known since the backup was made: ${trouble}\n`);
  } catch (error) {
    throw error instanceof BackupError ? new CommandError(error.message, { cause: error }) : error;
  }
}

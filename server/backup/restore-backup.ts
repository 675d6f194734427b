import { BackupError } from '#backup/backup-error.ts';
import { type BackedUpFile, type BackupManifest, readFileList } from '#backup/backup-manifest.ts';
import { makeObjectRestorer, together } from '#backup/copy-objects.ts';
import { restoreRepository } from '#backup/copy-repositories.ts';
import { loadDatabase } from '#backup/load-database.ts';
import { verifyBackup } from '#backup/verify-backup.ts';
import { migrate, readMigrations } from '#kit/db/migrate.ts';
import { type DatabaseAddress, openDatabase } from '#kit/db/open-database.ts';
import type { Log } from '#kit/log.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { syncFolder } from '#kit/object-store/sync-folder.ts';
import { chmod, lstat, mkdir, open, readdir, rm, symlink } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import pg from 'pg';

/** In a home that is being restored into; a server does not start on one that has it. */
export const UNFINISHED_RESTORE = 'restore-unfinished';

export interface RestorePlace {
  readonly home: string;
  readonly gitRoot: string;
  readonly migrations: string;
  readonly now: Date;
  readonly log: Log;
  /** Called once the home holds its key. */
  openDatabase(): Promise<{ readonly address: DatabaseAddress; close(): Promise<void> }>;
  /** Called once the database holds the rows of the backup. */
  openStore(address: DatabaseAddress): Promise<ObjectStore>;
}

/**
 * Puts a backup into an empty home and an empty database. Every byte is compared before anything is made, and those of
 * data once more by the store. Cut off in the middle it leaves a home on which no server starts, and says what to do.
 * @throws BackupError
 */
export async function restoreBackup(backup: string, place: RestorePlace): Promise<BackupManifest> {
  await checkEmpty(place.home);
  const manifest = await verifyBackup(backup);
  await checkMigrations(manifest, place.migrations);
  await mkdir(place.home, { recursive: true, mode: 0o700 });
  const marker = path.join(place.home, UNFINISHED_RESTORE);
  await (await open(marker, 'wx', 0o600)).close();
  await syncFolder(place.home);
  await copyFile(path.join(backup, 'key'), path.join(place.home, 'key'), 0o600);

  const store = await restoreRows(backup, manifest, place);
  try {
    const objects = makeObjectRestorer(store, backup);
    await together(readFileList(backup), (file) => restoreFile(backup, place.home, file, objects));
  } finally {
    await store.close();
  }
  await rm(marker);
  await syncFolder(place.home);
  return manifest;
}

/** @returns where the files go that the rows name */
async function restoreRows(backup: string, manifest: BackupManifest, place: RestorePlace): Promise<ObjectStore> {
  const database = await place.openDatabase();
  try {
    await restoreDatabase(backup, manifest, place, database.address);
    return await place.openStore(database.address);
  } finally {
    await database.close();
  }
}

async function checkEmpty(home: string): Promise<void> {
  const names = await readdir(home).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (names.includes(UNFINISHED_RESTORE)) throw new BackupError(unfinishedRestore(home));
  if (names.length > 0)
    throw new BackupError(`The home ${home} is not empty. A backup is restored into an empty one only: set SODATE_HOME to a folder that is not there yet.`);
}

export const unfinishedRestore = (home: string): string =>
  `A restore into the home ${home} was cut off. Remove that folder (and, with DATABASE_URL, make its database anew; with SODATE_S3_BUCKET, empty the bucket below SODATE_S3_PREFIX or choose another), then restore again.`;

async function checkMigrations(manifest: BackupManifest, folder: string): Promise<void> {
  const known = new Map((await readMigrations(folder)).map(({ name, digest }) => [name, digest]));
  const { version } = manifest;
  for (const { name, digest } of manifest.migrations) {
    if (!known.has(name))
      throw new BackupError(
        `The backup was made by a newer Sodate (${version}): its database has the migration ${name}, which this version does not know. Install that version.`,
      );
    if (known.get(name) !== digest)
      throw new BackupError(`The backup was made by another Sodate (${version}): its migration ${name} is not the one of this version. Install that version.`);
  }
}

async function restoreDatabase(backup: string, manifest: BackupManifest, place: RestorePlace, address: DatabaseAddress): Promise<void> {
  const client = new pg.Client({ ...address, application_name: 'sodate-restore' });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query(
      "select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r' limit 1",
    );
    if (rows.length > 0)
      throw new BackupError('The database is not empty. A backup is restored into an empty one only: make a new one and set DATABASE_URL to it.');
    const { pool, close } = openDatabase(address, place.log, 2);
    try {
      // As old as the backup; the next start of a server brings it up to date.
      await migrate(
        pool,
        place.migrations,
        place.now,
        place.log,
        manifest.migrations.map(({ name }) => name),
      );
    } finally {
      await close();
    }
    await loadDatabase(client, backup, manifest, place.gitRoot);
  } finally {
    await client.end().catch(() => {});
  }
}

async function restoreFile(backup: string, home: string, file: BackedUpFile, objects: ReturnType<typeof makeObjectRestorer>): Promise<void> {
  const [top = ''] = file.path.split('/');
  const target = path.join(home, file.path);
  if (top === 'runs') {
    await mkdir(path.dirname(target), { recursive: true });
    await refuseLinkAbove(home, target);
    if ('link' in file) await symlink(file.link, target);
    else if ('folder' in file) {
      await mkdir(target, { recursive: true });
      // Ours to write into while its files are put back, whatever the job had made of it.
      await chmod(target, file.mode | 0o700);
    } else await copyFile(path.join(backup, file.path), target, file.mode);
  } else if ('digest' in file && top === 'objects') await objects.restore(file.path, file);
  else if ('digest' in file && top === 'git') await restoreRepository(backup, home, file.path);
}

/** A list that says first "link" and then "file below it" would lead out of the home. */
async function refuseLinkAbove(home: string, target: string): Promise<void> {
  for (let at = path.dirname(target); at.length > home.length; at = path.dirname(at)) {
    if ((await lstat(at)).isSymbolicLink()) throw new BackupError(`The backup is damaged: it has a file below the link ${path.relative(home, at)}.`);
  }
}

async function copyFile(source: string, target: string, mode: number): Promise<void> {
  const handle = await open(target, 'wx', 0o600);
  try {
    for await (const piece of createReadStream(source, { highWaterMark: 1024 * 1024 })) await handle.appendFile(piece as Buffer);
    await handle.chmod(mode);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

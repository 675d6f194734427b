import { BackupError } from '#backup/backup-error.ts';
import { type BackupManifest, readManifest, writeManifest } from '#backup/backup-manifest.ts';
import { makeBackupWriter } from '#backup/backup-writer.ts';
import { backUpObjects } from '#backup/copy-objects.ts';
import { backUpRepositories } from '#backup/copy-repositories.ts';
import { backUpRuns } from '#backup/copy-runs.ts';
import { dumpTables, readSequences } from '#backup/dump-database.ts';
import { holdRemovals } from '#kit/db/hold-removals.ts';
import type { DatabaseAddress } from '#kit/db/open-database.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import { syncFolder } from '#kit/object-store/sync-folder.ts';
import { VERSION } from '#kit/version.ts';
import { createReadStream } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';

export interface BackupSource {
  readonly home: string;
  readonly gitRoot: string;
  readonly database: DatabaseAddress;
  readonly store: Pick<ObjectStore, 'read'>;
  readonly now: Date;
}

/**
 * Copies an installation into a folder that appears whole or not at all, also while it runs.
 *
 * The rows are those of one moment, by a snapshot. The bytes that they name are never changed once they are there, and
 * nothing of them is removed until we are done: so the copy is one of that moment, however long it takes.
 * @param earlier a backup whose blobs need not be copied again: the files are shared with it by hard links
 */
export async function makeBackup(source: BackupSource, target: string, earlier: string | null): Promise<BackupManifest> {
  if (await isThere(target)) throw new BackupError(`${target} is there already. Name a folder that is not; an earlier backup is never overwritten.`);
  if (earlier !== null) await readManifest(earlier);
  const draft = `${target}.unfinished-${process.pid}`;
  const client = new pg.Client({ ...source.database, application_name: 'sodate-backup', keepAlive: true });
  client.on('error', () => {});
  await client.connect();
  try {
    if (!(await holdRemovals(client))) throw new BackupError('Another backup of this installation is being made. Wait until it is done.');
    const writer = await makeBackupWriter(draft);
    try {
      const manifest = await copyAll(source, client, writer, earlier);
      await writeManifest(draft, manifest);
      await syncFolder(draft);
      await rename(draft, target);
      await syncFolder(path.dirname(target));
      return { format: 1, ...manifest };
    } catch (error) {
      await writer.abandon();
      await rm(draft, { recursive: true, force: true });
      throw error;
    }
  } finally {
    await client.end().catch(() => {});
  }
}

async function copyAll(
  source: BackupSource,
  client: pg.Client,
  writer: Awaited<ReturnType<typeof makeBackupWriter>>,
  earlier: string | null,
): Promise<Omit<BackupManifest, 'format'>> {
  await client.query('set statement_timeout = 0');
  await client.query('set idle_in_transaction_session_timeout = 0');
  await client.query('begin isolation level repeatable read read only');
  const migrations = await client.query<{ name: string; digest: string }>('select name, digest from schema_migrations order by name');
  const installation = await client.query<{ id: string }>('select id from installation');
  const tables = await dumpTables(client, writer);
  const sequences = await readSequences(client);
  // Commits are kept in their mirror before a row names them, so a bundle made now has them all.
  await backUpRepositories(writer, source.home);
  const damagedObjects = await backUpObjects(client, { store: source.store, writer, earlier });
  const runs = await backUpRuns(client, writer, source.home);
  await writer.add('key', createReadStream(path.join(source.home, 'key')));
  await client.query('commit');
  return {
    version: VERSION,
    installation: installation.rows[0]?.id ?? null,
    createdAt: source.now.toISOString(),
    gitRoot: source.gitRoot,
    migrations: migrations.rows,
    tables: [...tables],
    sequences,
    files: await writer.finish(),
    liveRuns: [...runs.live],
    troubles: [...damagedObjects, ...runs.troubles],
  };
}

const isThere = (place: string): Promise<boolean> =>
  lstat(place).then(
    () => true,
    () => false,
  );

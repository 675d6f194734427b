import { BackupError } from '#backup/backup-error.ts';
import type { BackupManifest } from '#backup/backup-manifest.ts';
import { listTables, quoted } from '#backup/dump-database.ts';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/**
 * Fills a migrated, otherwise empty database with the tables of a backup, in one transaction. It becomes an installation
 * of its own: with the old one's id both would take each other's containers for their own, should both run one day.
 */
export async function loadDatabase(client: pg.ClientBase, backup: string, manifest: BackupManifest, gitRoot: string): Promise<void> {
  const known = new Map((await listTables(client)).map((table) => [table.name, table]));
  const strange = manifest.tables.find(({ name, columns }) => columns.some((column) => known.get(name)?.columns.includes(column) !== true));
  if (strange) throw new BackupError(`The backup has a table ${strange.name} that its migrations do not make. It is damaged, or was changed.`);
  await client.query('set statement_timeout = 0');
  await client.query('begin');
  try {
    const names = manifest.tables.map(({ name }) => quoted(name)).join(', ');
    // What migrations put in is in the backup, too.
    await client.query(`truncate ${names} cascade`);
    // In the order of the references; the triggers of a table did their work when the rows were first written.
    for (const { name, columns, file, rows } of [...known.keys()].flatMap((table) => manifest.tables.filter((each) => each.name === table))) {
      await client.query(`alter table ${quoted(name)} disable trigger user`);
      const stream = client.query(copyFrom(`copy ${quoted(name)} (${columns.map(quoted).join(', ')}) from stdin`));
      await pipeline(createReadStream(path.join(backup, file), { highWaterMark: 1024 * 1024 }), stream);
      if (stream.rowCount !== rows) throw new BackupError(`The table ${name} has ${stream.rowCount} rows after restoring, and ${rows} in the backup.`);
      await client.query(`alter table ${quoted(name)} enable trigger user`);
    }
    for (const { name, value, called } of manifest.sequences) await client.query('select setval($1::regclass, $2::bigint, $3)', [quoted(name), value, called]);
    await client.query('delete from installation');
    if (manifest.tables.some(({ name, columns }) => name === 'git_endpoints' && columns.includes('root')))
      await client.query('update git_endpoints set root = $2 || substr(root, length($1) + 1) where root = $1 or starts_with(root, $1 || $3)', [
        manifest.gitRoot,
        gitRoot,
        path.sep,
      ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
  await client.query('analyze');
}

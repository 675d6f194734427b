import type { Log } from '#kit/log.ts';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';

/** Only one starter migrates; the others wait here and then find nothing left to do. */
const MIGRATION_LOCK = 7_363_001;

/**
 * Brings the database up to the newest migration in `folder` (files `0001-name.sql`, applied in order, forward only).
 * Each is one transaction together with the row that says it was applied, so a crash leaves a whole migration or none.
 * `only`: no others, where a database of an older version is to be put back as it was.
 * @throws when an applied migration's text has changed, or the database is newer than this program
 */
export async function migrate(pool: pg.Pool, folder: string, now: Date, log: Log, only?: readonly string[]): Promise<void> {
  const files = (await readMigrations(folder)).map(({ name }) => name).filter((name) => only?.includes(name) !== false);
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query('create table if not exists schema_migrations (name text primary key, digest text not null, applied_at timestamptz not null)');
    const applied = new Map(
      (await client.query<{ name: string; digest: string }>('select name, digest from schema_migrations')).rows.map((row) => [row.name, row.digest]),
    );
    for (const name of applied.keys()) {
      if (!files.includes(name))
        throw new Error(
          `The database has migration ${name}, which this version does not know: it was used by a newer Sodate. Install that version or restore a backup.`,
        );
    }
    for (const name of files) {
      const text = await readFile(path.join(folder, name), 'utf8');
      const digest = digestOf(text);
      const before = applied.get(name);
      if (before !== undefined) {
        if (before !== digest) throw new Error(`Migration ${name} was applied in another form. Migrations are never changed once released; add a new one.`);
        continue;
      }
      await client.query('begin');
      try {
        await client.query(text);
        await client.query('insert into schema_migrations (name, digest, applied_at) values ($1, $2, $3)', [name, digest, now]);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback');
        throw error;
      }
      log.info({ migration: name }, 'migrated');
    }
  } finally {
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => {});
    client.release();
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The migrations that this program knows, in order, with the digests that it would write down. */
export async function readMigrations(folder: string): Promise<readonly { readonly name: string; readonly digest: string }[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-.*\.sql$/.test(name)).toSorted();
  return Promise.all(names.map(async (name) => ({ name, digest: digestOf(await readFile(path.join(folder, name), 'utf8')) })));
}

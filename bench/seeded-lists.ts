import { systemClock } from '../server/kit/clock.ts';
import { migrate } from '../server/kit/db/migrate.ts';
import { type Database, type DatabaseAddress, openDatabase } from '../server/kit/db/open-database.ts';
import { silentLog } from '../server/kit/log.ts';
import { type SeededTenant, type SeedSize, seedLists } from '../server/search/testing/seed-lists.ts';
import { randomUUID } from 'node:crypto';
import path from 'node:path';

export interface SeededLists extends SeededTenant {
  readonly db: Database;
  close(): Promise<void>;
}

/** An empty database of its own. */
export async function createDatabase(server: DatabaseAddress): Promise<DatabaseAddress & { readonly database: string }> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  const maintenance = openDatabase(server, silentLog, 1);
  await maintenance.pool.query(`create database ${name}`);
  await maintenance.close();
  return { ...server, database: name };
}

/** So many data and runs in a database that has our tables, as tidy as autovacuum leaves it. */
export async function seed(address: DatabaseAddress, size: SeedSize): Promise<SeededTenant> {
  const seeding = openDatabase(address, silentLog, 1);
  try {
    // A million rows in one statement; the limit is for requests. One connection, so it holds for all that follow.
    await seeding.pool.query('set statement_timeout = 0');
    const seeded = await seedLists(seeding.db, size);
    await seeding.pool.query('vacuum analyze');
    return seeded;
  } finally {
    await seeding.close();
  }
}

export async function openSeededLists(server: DatabaseAddress, size: SeedSize): Promise<SeededLists> {
  const address = await createDatabase(server);
  const { db, pool, close } = openDatabase(address, silentLog);
  try {
    await migrate(pool, path.join(import.meta.dirname, '../server/migrations'), systemClock.now(), silentLog);
    return { ...(await seed(address, size)), db, close };
  } catch (error) {
    await close();
    throw error;
  }
}

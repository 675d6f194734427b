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

/** A database of its own with so many data and runs, as tidy as autovacuum leaves it. */
export async function openSeededLists(server: DatabaseAddress, size: SeedSize): Promise<SeededLists> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  const maintenance = openDatabase(server, silentLog, 1);
  await maintenance.pool.query(`create database ${name}`);
  await maintenance.close();
  const { db, pool, close } = openDatabase({ ...server, database: name }, silentLog);
  await migrate(pool, path.join(import.meta.dirname, '../server/migrations'), systemClock.now(), silentLog);
  const seeding = openDatabase({ ...server, database: name }, silentLog, 1);
  try {
    // A million rows in one statement; the limit is for requests. One connection, so it holds for all that follow.
    await seeding.pool.query('set statement_timeout = 0');
    const seeded = await seedLists(seeding.db, size);
    await seeding.pool.query('vacuum analyze');
    return { ...seeded, db, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    await seeding.close();
  }
}

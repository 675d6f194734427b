import { type DatabaseAddress, type OpenDatabase, openDatabase } from '#kit/db/open-database.ts';
import { TEMPLATE_DATABASE } from '#kit/db/provide-test-postgres.ts';
import { silentLog } from '#kit/log.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, inject } from 'vitest';

/** A test's own database. `address` is for whoever opens further connections to it. */
export interface TestDatabase extends OpenDatabase {
  readonly address: DatabaseAddress;
}

/** Clones the migrated template. The caller closes it. */
export async function cloneTestDatabase(poolSize = 8): Promise<TestDatabase> {
  const server = inject('testPostgres');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const maintenance = openDatabase(server, silentLog, 1);
  try {
    await maintenance.pool.query(`create database ${name} template ${TEMPLATE_DATABASE}`);
  } finally {
    await maintenance.close();
  }
  const address = { ...server, database: name };
  return { ...openDatabase(address, silentLog, poolSize), address };
}

/** One database for all tests of a file (or describe block). */
export function useTestDatabase(poolSize?: number): () => TestDatabase {
  const held: { database?: TestDatabase } = {};
  beforeAll(async () => {
    held.database = await cloneTestDatabase(poolSize);
  });
  afterAll(async () => {
    await held.database?.close();
  });
  return () => {
    if (!held.database) throw new Error('The test database exists only while tests run');
    return held.database;
  };
}

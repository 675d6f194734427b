import { type DatabaseAddress, openDatabase } from '#kit/db/open-database.ts';
import { migrate } from '#kit/db/migrate.ts';
import { silentLog } from '#kit/log.ts';
import { startThrowawayPostgres } from '#postgres/throwaway-postgres.ts';
import path from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    testPostgres: DatabaseAddress;
  }
}

export const TEMPLATE_DATABASE = 'sodate_template';

/** vitest's global set-up: one PostgreSQL for the whole test run, with a migrated template that each test file clones. */
export default async function provideTestPostgres(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startThrowawayPostgres();
  const maintenance = openDatabase(postgres.connection, silentLog, 1);
  await maintenance.pool.query(`create database ${TEMPLATE_DATABASE}`);
  await maintenance.close();
  const template = openDatabase({ ...postgres.connection, database: TEMPLATE_DATABASE }, silentLog, 1);
  await migrate(template.pool, path.join(import.meta.dirname, '../../migrations'), new Date(), silentLog);
  await template.close();
  project.provide('testPostgres', { ...postgres.connection });
  return () => postgres.stop();
}

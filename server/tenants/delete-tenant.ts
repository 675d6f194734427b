import { isForeignKeyViolation } from '#kit/db/database-errors.ts';
import type { Database } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';
import { findTenant } from './tenant-store.ts';

/** What keeps a tenant, in the words people use. Members, tokens and ancestry go with it. */
const HOLDINGS = [
  { table: 'runs', one: 'run', many: 'runs' },
  { table: 'datasets', one: 'data set', many: 'data sets' },
  { table: 'data', one: 'data', many: 'data' },
  { table: 'blobs', one: 'stored file that is still to be cleared away', many: 'stored files that are still to be cleared away' },
] as const;

/** @throws SodateError `tenant-not-empty` that says what it still holds; nothing is removed then */
export async function deleteTenant(db: Database, reference: string): Promise<TenantId> {
  const tenant = await findTenant(db, reference);
  const holds = await describeHoldings(db, tenant.id);
  if (holds !== '') throw new SodateError('tenant-not-empty', { name: tenant.name, holds });
  try {
    // The foreign keys have the last word: whatever is made between the count and this line keeps the tenant.
    await db.deleteFrom('tenants').where('id', '=', tenant.id).execute();
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    throw new SodateError(
      'tenant-not-empty',
      { name: tenant.name, holds: (await describeHoldings(db, tenant.id)) || 'things made just now' },
      { cause: error },
    );
  }
  return tenant.id as TenantId;
}

async function describeHoldings(db: Database, tenant: string): Promise<string> {
  const counted = await Promise.all(
    HOLDINGS.map(async (holding) => {
      const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(holding.table)} where tenant_id = ${tenant}`.execute(db);
      return { ...holding, count: rows[0]?.count ?? 0 };
    }),
  );
  // Files are named only when nothing else explains them.
  const held = counted.filter((holding) => holding.count > 0);
  const named = held.some((holding) => holding.table !== 'blobs') ? held.filter((holding) => holding.table !== 'blobs') : held;
  return named.map(({ count, one, many }) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`).join(', ');
}

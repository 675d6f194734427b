import type { Database, DatabaseTransaction } from '#kit/db/open-database.ts';
import type { RunId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** A name and a value that say something of a run. */
export interface Label {
  readonly name: string;
  readonly value: string;
}

/** The last one of a name counts. */
export async function setRunLabels(db: Database | DatabaseTransaction, tenant: TenantId, run: RunId, labels: readonly Label[]): Promise<void> {
  if (labels.length === 0) return;
  const last = [...new Map(labels.map(({ name, value }) => [name, { name, value }])).values()];
  await db
    .insertInto('run_labels')
    .values(last.map((label) => ({ tenant_id: tenant, run_id: run, ...label })))
    .onConflict((conflict) => conflict.columns(['run_id', 'name']).doUpdateSet((excluded) => ({ value: excluded.ref('excluded.value') })))
    .execute();
}

/** @returns whether there was one */
export async function removeRunLabel(db: Database, tenant: TenantId, run: RunId, name: string): Promise<boolean> {
  const gone = await db.deleteFrom('run_labels').where('tenant_id', '=', tenant).where('run_id', '=', run).where('name', '=', name).executeTakeFirst();
  return gone.numDeletedRows > 0n;
}

/** By run. Runs without labels are left out. */
export async function readRunLabels(db: Database, tenant: TenantId, runs: readonly string[]): Promise<ReadonlyMap<string, readonly Label[]>> {
  const found = new Map<string, Label[]>();
  if (runs.length === 0) return found;
  const rows = await db
    .selectFrom('run_labels')
    .select(['run_id', 'name', 'value'])
    .where('tenant_id', '=', tenant)
    .where(sql<boolean>`run_id = any(${runs}::uuid[])`)
    .orderBy('name')
    .execute();
  for (const { run_id, name, value } of rows) {
    const labels = found.get(run_id);
    if (labels === undefined) found.set(run_id, [{ name, value }]);
    else labels.push({ name, value });
  }
  return found;
}

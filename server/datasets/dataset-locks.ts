import { holdDataset } from '#datasets/dataset-store.ts';
import type { DatabaseTransaction } from '#kit/db/open-database.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { DatasetId, TenantId } from '@sodate/contract/ids.ts';
import { sql } from 'kysely';

/** Locking is tried again when the last run that used it is removed at the same moment; more often than this is a defect. */
const TRIES = 10;

/**
 * A locked data set is only shared-locked here, so a hundred submissions a second on one data set do not queue behind
 * each other; unlocking needs the row for itself and so waits for all of them. Only the first use updates the row.
 */
export async function lockForRun(tx: DatabaseTransaction, tenant: TenantId, dataset: DatasetId, now: Date): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const locked = await tx
      .selectFrom('datasets')
      .select('id')
      .where('tenant_id', '=', tenant)
      .where('id', '=', dataset)
      .where('locked_at', 'is not', null)
      .forShare()
      .executeTakeFirst();
    if (locked) return;
    const first = await tx
      .updateTable('datasets')
      .set({ locked_at: now })
      .where('tenant_id', '=', tenant)
      .where('id', '=', dataset)
      .where('locked_at', 'is', null)
      .returning('id')
      .executeTakeFirst();
    if (first) return;
    const exists = await tx.selectFrom('datasets').select('id').where('tenant_id', '=', tenant).where('id', '=', dataset).executeTakeFirst();
    if (!exists) throw new SodateError('not-found', { thing: 'data set', reference: dataset });
  }
  throw new Error(`Data set ${dataset} was locked and unlocked ${TRIES} times while a run was being stored`);
}

export async function unlockUnused(tx: DatabaseTransaction, tenant: TenantId, dataset: DatasetId): Promise<void> {
  // First the row for ourselves, then the question in a statement of its own: it sees what submissions we waited for stored.
  await holdDataset(tx, tenant, dataset);
  await tx
    .updateTable('datasets')
    .set({ locked_at: null })
    .where('tenant_id', '=', tenant)
    .where('id', '=', dataset)
    .where(sql<boolean>`not exists (select from run_datasets where dataset_id = datasets.id)`)
    .execute();
}

import { holdDataset } from '#datasets/dataset-store.ts';
import type { Database } from '#kit/db/open-database.ts';
import { markLineageDeleted, refuseWhenStoodOn } from '#lineage/lineage.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { DatasetId, TenantId } from '@sodate/contract/ids.ts';

/** @throws SodateError `in-use` naming the runs */
export async function deleteUnusedDataset(db: Database, tenant: TenantId, dataset: DatasetId, now: Date): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const held = await holdDataset(tx, tenant, dataset);
    await refuseWhenStoodOn(tx, tenant, { kind: 'dataset', id: dataset, thing: 'Data set', reference: `#${held.number}` });
    if (held.lockedAt) throw new SodateError('locked', { reference: `#${held.number}` });
    await tx.deleteFrom('datasets').where('tenant_id', '=', tenant).where('id', '=', dataset).execute();
    await markLineageDeleted(tx, tenant, { kind: 'dataset', id: dataset }, now);
  });
}

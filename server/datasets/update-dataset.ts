import { refuseVanishedData } from '#datasets/create-dataset.ts';
import { askedEntries, putEntries, resolveEntries } from '#datasets/dataset-entries.ts';
import { holdDataset } from '#datasets/dataset-store.ts';
import type { Database } from '#kit/db/open-database.ts';
import { relabelLineage } from '#lineage/lineage.ts';
import type { updateDataset } from '@sodate/contract/datasets.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { DatasetId, TenantId } from '@sodate/contract/ids.ts';
import type { z } from 'zod';

/** All of the change or none of it. Giving the other form of entries makes a typed data set flat, or a flat one typed. */
export async function updateDatasetBy(
  db: Database,
  tenant: TenantId,
  dataset: DatasetId,
  change: z.output<(typeof updateDataset)['body']>,
  now: Date,
): Promise<void> {
  const entries = askedEntries(change);
  const resolved = entries ? await resolveEntries(db, tenant, entries) : null;
  await refuseVanishedData(
    db.transaction().execute(async (tx) => {
      // From here on no run can lock it: a run either has, and entries are refused, or it will find the new entries.
      const held = await holdDataset(tx, tenant, dataset);
      if (entries && held.lockedAt) throw new SodateError('locked', { reference: `#${held.number}` });
      const columns = {
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.memo === undefined ? {} : { memo: change.memo }),
        ...(entries ? { flat: entries.flat } : {}),
      };
      if (Object.keys(columns).length > 0) await tx.updateTable('datasets').set(columns).where('tenant_id', '=', tenant).where('id', '=', dataset).execute();
      if (change.name !== undefined) await relabelLineage(tx, tenant, { kind: 'dataset', id: dataset, label: `#${held.number} ${change.name}` });
      if (resolved) await putEntries(tx, tenant, dataset, resolved, now);
    }),
  );
}

import { holdDataset } from '#datasets/dataset-store.ts';
import { namesOf } from '#datasets/names-of.ts';
import type { Database } from '#kit/db/open-database.ts';
import { markLineageDeleted } from '#lineage/lineage.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import type { DatasetId, TenantId } from '@sodate/contract/ids.ts';

/** The error counts no further. */
const COUNTED_RUNS_LIMIT = 1_000;

/** @throws SodateError `in-use` naming the runs */
export async function deleteUnusedDataset(db: Database, tenant: TenantId, dataset: DatasetId, now: Date): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const held = await holdDataset(tx, tenant, dataset);
    const runs = await tx
      .selectFrom('run_datasets')
      .innerJoin('runs', 'runs.id', 'run_datasets.run_id')
      .select(['runs.kind', 'runs.number'])
      .where('run_datasets.tenant_id', '=', tenant)
      .where('run_datasets.dataset_id', '=', dataset)
      .orderBy('runs.created_at')
      .limit(COUNTED_RUNS_LIMIT)
      .execute();
    if (runs.length > 0)
      throw new SodateError('in-use', {
        thing: 'Data set',
        reference: `#${held.number}`,
        users: namesOf(
          'run',
          runs.map(({ kind, number }) => `${kind}-${number}`),
        ),
      });
    if (held.lockedAt) throw new SodateError('locked', { reference: `#${held.number}` });
    await tx.deleteFrom('datasets').where('tenant_id', '=', tenant).where('id', '=', dataset).execute();
    await markLineageDeleted(tx, tenant, { kind: 'dataset', id: dataset }, now);
  });
}
